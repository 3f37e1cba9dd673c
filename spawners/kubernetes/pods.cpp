#include "spawners/kubernetes/pods.hpp"

#include <algorithm>

#include "spawners/kubernetes/object.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

void take_conditions(const Json& conditions, Pod& pod) {
  if (!conditions.is_array()) return;
  for (const Json& condition : conditions) {
    const std::string type = text_in(condition, "type");
    const bool holds = text_in(condition, "status") == "True";
    if (type == "Ready") pod.ready = holds;
    if (type != "PodScheduled" || holds || text_in(condition, "reason") != "Unschedulable")
      continue;
    pod.unschedulable = true;
    pod.message = text_in(condition, "message");
  }
}

/// A cluster may add containers of its own; of several, one that is in trouble counts.
void take_container(const Json& status, Pod& pod) {
  const Json& state = part(status, "state");
  const Json& waiting = part(state, "waiting");
  if (pod.waiting.empty() || pod.waiting == "ContainerCreating") {
    pod.waiting = text_in(waiting, "reason");
    pod.waiting_message = text_in(waiting, "message");
  }
  const Json& count = part(status, "restartCount");
  if (count.is_number_integer()) pod.restarts = std::max(pod.restarts, count.get<int>());
  const Json& last = part(part(status, "lastState"), "terminated");
  if (text_in(last, "reason") == "OOMKilled") pod.out_of_memory = true;
  const Json& ended = part(state, "terminated");
  if (!ended.contains("exitCode") || !ended["exitCode"].is_number_integer()) return;
  pod.exit_code = ended["exitCode"].get<int>();
  if (text_in(ended, "reason") == "OOMKilled") pod.out_of_memory = true;
}

}  // namespace

Pod pod_of(const Json& object, const PodKind& kind) {
  const Json& about = part(object, "metadata");
  const Json& status = part(object, "status");
  Pod pod;
  pod.name = text_in(about, "name");
  pod.uid = text_in(about, "uid");
  pod.deleting = about.contains("deletionTimestamp");
  pod.launch = text_in(part(about, "labels"), kind.label);
  if (kind.by_namespace) pod.launch.insert(0, text_in(about, "namespace") + "/");
  pod.state = text_in(part(about, "annotations"), kStateAnnotation);
  const Json& parts = list_in(part(object, "spec"), "containers");
  if (!parts.empty()) pod.container = text_in(parts.front(), "name");
  pod.phase = text_in(status, "phase");
  pod.ip = text_in(status, "podIP");
  pod.reason = text_in(status, "reason");
  pod.message = text_in(status, "message");
  take_conditions(part(status, "conditions"), pod);
  const Json& containers = part(status, "containerStatuses");
  if (!containers.is_array()) return pod;
  for (const Json& container : containers)
    if (!kind.only_notebook || text_in(container, "name") == "notebook")
      take_container(container, pod);
  return pod;
}

/// Somebody who waits; leaves whatever ends the waiting.
class Pods::Place {
 public:
  Place(std::shared_ptr<Waiting> waiting, std::string launch, asio::steady_timer* timer)
      : waiting_(std::move(waiting)), at_(waiting_->emplace(std::move(launch), timer)) {}
  ~Place() { waiting_->erase(at_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::shared_ptr<Waiting> waiting_;
  Waiting::iterator at_;
};

void Pods::seen(const std::string& uid, const Json& object) {
  Pod pod = pod_of(object, kind_);
  Pod& known = by_uid_[uid];
  if (known == pod) return;
  known = std::move(pod);
  uid_of_[known.launch] = uid;
  tell(known.launch);
}

void Pods::gone(const std::string& uid) {
  const auto found = by_uid_.find(uid);
  if (found == by_uid_.end()) return;
  const std::string launch = found->second.launch;
  by_uid_.erase(found);
  if (const auto at = uid_of_.find(launch); at != uid_of_.end() && at->second == uid)
    uid_of_.erase(at);
  tell(launch);
}

void Pods::synced() {
  synced_ = true;
  for (const auto& [launch, timer] : *waiting_) timer->cancel();
}

const Pod* Pods::of_launch(const std::string& launch) const {
  const auto at = uid_of_.find(launch);
  if (at == uid_of_.end()) return nullptr;
  const auto found = by_uid_.find(at->second);
  return found == by_uid_.end() ? nullptr : &found->second;
}

std::optional<Pod> Pods::known(const std::string& launch) const {
  const Pod* pod = of_launch(launch);
  return pod == nullptr ? std::nullopt : std::optional<Pod>(*pod);
}

void Pods::tell(const std::string& launch) {
  const auto [first, last] = waiting_->equal_range(launch);
  for (auto at = first; at != last; ++at) at->second->cancel();
}

Task<void> Pods::news(std::string launch, std::chrono::steady_clock::duration at_most) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, at_most);
  const Place place(waiting_, std::move(launch), &timer);
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await timer.async_wait(token);
}

}  // namespace passerelle::spawners::kubernetes
