// A pod's way up: remember, Secret, claim, Pod, then what the watch and the events say until it is
// ready. Everything that was made is undone by start_or_undo(), whatever ends the attempt; the
// claim stays, it holds the person's files.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/system/system_error.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "spawners/container.hpp"
#include "spawners/kubernetes/kubernetes.hpp"
#include "spawners/kubernetes/live_log.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(30);  // a registry, a node may have a bad moment

bool is_image_trouble(const Pod& pod) {
  return pod.waiting == "ErrImagePull" || pod.waiting == "ImagePullBackOff" ||
         pod.waiting == "ErrImageNeverPull" || pod.waiting == "InvalidImageName";
}

/// "CreateContainerConfigError: failed to sync secret cache" is gone at the node's next try.
bool is_trouble(const Pod& pod) {
  return is_image_trouble(pod) || pod.waiting == "CreateContainerConfigError" ||
         pod.waiting == "CreateContainerError";
}

/// What waiting will not cure.
std::optional<Error> hopeless(const Pod& pod, steady_clock::duration since_trouble) {
  const bool never = pod.waiting == "ErrImageNeverPull" || pod.waiting == "InvalidImageName" ||
                     pod.waiting == "RunContainerError";
  if (never || (is_trouble(pod) && since_trouble > kPatience))
    return Error(Errc::unavailable, is_image_trouble(pod) ? Cause::image_pull : Cause::crashed,
                 pod.waiting_message);
  if (pod.out_of_memory)
    return Error(Errc::unavailable, Cause::out_of_memory,
                 "the server used more memory than it may and was ended before it listened");
  if (pod.exit_code)
    return Error(Errc::unavailable, Cause::crashed,
                 "the server ended with exit code " + std::to_string(*pod.exit_code) +
                     " before it listened")
        .with_exit_code(*pod.exit_code);
  if (pod.ended())
    return Error(Errc::unavailable, Cause::node_lost, pod.reason + ": " + pod.message);
  if (pod.deleting)
    return Error(Errc::unavailable, Cause::node_lost, "somebody is deleting the pod");
  return std::nullopt;
}

/// What a start that took too long was waiting for.
Error overdue(const Pod* pod) {
  if (pod == nullptr)
    return {Errc::timeout, Cause::spawner_down, "the cluster says nothing of the pod"};
  if (pod->unschedulable) return {Errc::timeout, Cause::unschedulable, pod->message};
  if (is_image_trouble(*pod)) return {Errc::timeout, Cause::image_pull, pod->waiting_message};
  if (pod->phase == "Running")
    return {Errc::timeout, Cause::start_timeout, "the server did not listen in time"};
  return {Errc::timeout, Cause::start_timeout,
          "the pod was still " + (pod->waiting.empty() ? pod->phase : pod->waiting)};
}

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

/// In a coroutine thread of its own: cancelling the caller reaches it, but it can end what it began
/// before it returns.
Task<Result<Started>> KubernetesSpawner::start(ServerSpec spec, Progress& progress) {
  if (spec.profile.kubernetes) {
    if (!charts_) co_return Error(Errc::invalid, Cause::internal, "this spawner has no helm");
    auto served = co_await charts_->start(std::move(spec), progress);
    co_return served;
  }
  const auto executor = co_await asio::this_coro::executor;
  auto body = start_or_undo(std::move(spec), progress, false);
  auto started = co_await asio::co_spawn(executor, std::move(body), asio::use_awaitable);
  co_return started;
}

/// A release is installed once more: helm does nothing twice.
Task<Result<Started>> KubernetesSpawner::resume(ServerSpec spec, State state, Progress& progress) {
  if (spec.profile.kubernetes) {
    auto served = co_await start(std::move(spec), progress);
    co_return served;
  }
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  const auto executor = co_await asio::this_coro::executor;
  auto body = start_or_undo(std::move(spec), progress, true);
  auto started = co_await asio::co_spawn(executor, std::move(body), asio::use_awaitable);
  co_return started;
}

Task<Result<Started>> KubernetesSpawner::start_or_undo(ServerSpec spec,
                                                       Progress& progress,
                                                       bool resumed) {
  Result<Started> outcome = Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  try {
    if (resumed)
      outcome =
          co_await until_up(launch_for(spec), steady_clock::now() + spec.start_timeout, progress);
    else
      outcome = co_await try_start(spec, progress);
  } catch (const boost::system::system_error&) {
    // Cancelled: Asio says so by throwing at the next co_await.
  }
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  const bool cancelled = cancellation.cancelled() != asio::cancellation_type::none;
  if (outcome && !cancelled) co_return outcome;
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (cancelled) outcome = Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  // What cannot be removed now, the hub stops later: it was remembered before it was made.
  const auto undone = co_await remove_objects(cluster_, launch_for(spec), std::chrono::seconds(0));
  if (!undone)
    log::warn("spawner", "a failed start may have left something",
              {{"launch", spec.launch_id}, {"why", undone.error().message()}});
  co_return outcome;
}

Task<Result<Started>> KubernetesSpawner::try_start(const ServerSpec& spec, Progress& progress) {
  progress.step("prepare");
  const auto until = steady_clock::now() + spec.start_timeout;
  const Launch launch = launch_for(spec);
  // What is asked of a cluster that does not answer may have been done all the same: ask it for
  // nothing before it does.
  auto answers = until_it_answers(launch);
  const auto ready = co_await with_timeout(std::move(answers), spec.start_timeout, "the cluster");
  if (!ready)
    co_return Error(Errc::unavailable, Cause::spawner_down,
                    "the cluster's API server does not answer");
  // Whatever happens from here on, a restarted hub knows where to look.
  const auto remembered = co_await progress.remember(to_state(launch));
  if (!remembered) co_return remembered.error();
  progress.step("spawn");
  const auto created = co_await create_until(spec, launch, until);
  if (!created) co_return created.error();
  auto up = co_await until_up(launch, until, progress);
  co_return up;
}

Task<Result<Started>> KubernetesSpawner::until_up(const Launch& launch,
                                                  steady_clock::time_point until,
                                                  Progress& progress) {
  progress.step("listen");
  auto listening = until_ready(launch, progress);
  auto left =
      std::max(until - steady_clock::now(), steady_clock::duration(std::chrono::seconds(1)));
  auto upstream = co_await with_timeout(std::move(listening), left, "the pod");
  if (upstream) co_return Started{std::move(*upstream), to_state(launch)};
  if (upstream.error().code() == Errc::timeout && !upstream.error().cause())
    co_return co_await why_not(launch, overdue(cluster_->pods.of_launch(launch.id)));
  co_return co_await why_not(launch, upstream.error());
}

/// And the watch has told of everything there is.
Task<Result<void>> KubernetesSpawner::until_it_answers(Launch launch) {
  constexpr auto kPause = std::chrono::seconds(1);
  auto synced = co_await until_synced();
  for (;;) {
    auto there = co_await cluster_->api.get(path_of(launch, "pods", launch.pod));
    if (there || there.error().code() != Errc::unavailable) co_return synced;
    co_await sleep_for(kPause);
  }
}

/// With the last lines of the server, if it has printed any.
Task<Error> KubernetesSpawner::why_not(const Launch& launch, Error why) {
  const Pod* pod = cluster_->pods.of_launch(launch.id);
  if (pod == nullptr || pod->phase == "Pending") co_return why;
  auto tail = co_await tail_of(launch);
  co_return std::move(why).with_log(std::move(tail));
}

/// An API server that does not answer now may do so before the start has taken too long.
Task<Result<void>> KubernetesSpawner::create_until(const ServerSpec& spec,
                                                   const Launch& launch,
                                                   steady_clock::time_point until) {
  constexpr auto kPause = std::chrono::seconds(1);
  for (;;) {
    auto created = co_await create_objects(spec, launch);
    const bool silent = !created && created.error().code() == Errc::unavailable;
    if (!silent || steady_clock::now() + kPause > until) co_return created;
    co_await sleep_for(kPause);
  }
}

Task<Result<void>> KubernetesSpawner::create_objects(const ServerSpec& spec, const Launch& launch) {
  const Owner owner{gateway_, name_};
  auto own = projects_->prepare(projects_->all_of(spec).front());
  auto prepared = co_await std::move(own);
  if (!prepared) co_return prepared;
  auto plan = environment_in_container(settings_, spec);
  if (!plan) co_return std::move(plan.error());
  auto pod = pod_for(settings_, spec, launch, owner);
  if (!pod) co_return std::move(pod.error());
  Json secret = secret_for(launch, owner, *plan);
  auto kept = co_await create_or_replace(launch, "secrets", std::move(secret));
  if (!kept) co_return kept;
  if (!settings_.storage.empty()) {
    Json claim = claim_for(settings_, spec);
    auto claimed = co_await cluster_->api.create(path_of(launch, "persistentvolumeclaims"), claim);
    // There from an earlier launch is what it is for.
    if (!claimed && claimed.error().code() != Errc::conflict) co_return std::move(claimed.error());
  }
  auto made = co_await create_or_replace(launch, "pods", std::move(*pod));
  co_return made;
}

/// What an earlier launch of this server left behind makes room; what is not ours stays.
Task<Result<void>> KubernetesSpawner::create_or_replace(const Launch& launch,
                                                        const char* kind,
                                                        Json object) {
  constexpr int kTries = 120;
  for (int tried = 1;; ++tried) {
    auto made = co_await cluster_->api.create(path_of(launch, kind), object);
    if (made) co_return Result<void>();
    if (made.error().code() != Errc::conflict || tried == kTries) co_return std::move(made.error());
    auto there = co_await cluster_->api.get(path_of(launch, kind, launch.pod));
    if (!there && there.error().code() == Errc::not_found) continue;
    if (!there) co_return std::move(there.error());
    const Json about = there->value("metadata", Json::object());
    const Json labels = about.value("labels", Json::object());
    if (text_in(labels, kGatewayLabel) != gateway_)
      co_return Error(Errc::conflict, Cause::spawner_down,
                      std::string(kind) + "/" + launch.pod + " belongs to somebody else");
    const auto removed = co_await cluster_->api.remove(
        path_of(launch, kind, launch.pod), std::chrono::seconds(0), text_in(about, "uid"));
    if (!removed) co_return removed;
    co_await sleep_for(std::chrono::milliseconds(tried == 1 ? 0 : 250));
  }
}

Task<Result<Upstream>> KubernetesSpawner::until_ready(const Launch& launch, Progress& progress) {
  constexpr auto kLook = std::chrono::seconds(1);
  std::set<std::string> told;
  std::optional<steady_clock::time_point> trouble;
  bool was_there = false;
  auto look = steady_clock::now();
  LiveLog log("notebook");
  for (;;) {
    const std::optional<Pod> before = cluster_->pods.known(launch.id);
    const Pod* pod = before ? &*before : nullptr;
    was_there = was_there || pod != nullptr;
    if (pod == nullptr && was_there)
      co_return Error(Errc::unavailable, Cause::node_lost, "somebody has deleted the pod");
    if (pod != nullptr && pod->ready && !pod->ip.empty() && !pod->deleting)
      co_return Upstream{Upstream::Kind::tcp, pod->ip, static_cast<std::uint16_t>(launch.port), {}};
    if (pod == nullptr || !is_trouble(*pod))
      trouble.reset();
    else if (!trouble)
      trouble = steady_clock::now();
    const auto since = trouble ? steady_clock::now() - *trouble : steady_clock::duration::zero();
    const auto end = pod == nullptr ? std::nullopt : hopeless(*pod, since);
    if (end || steady_clock::now() >= look) {
      co_await tell_events(launch, progress, told);
      if (before && !end) co_await log.tell(cluster_->api, launch.namespace_, *before, progress);
      look = steady_clock::now() + kLook;
    }
    if (end) co_return *end;
    if (cluster_->pods.known(launch.id) != before) continue;
    co_await cluster_->pods.news(launch.id, kLook);
  }
}

/// What the scheduler and the node say of the pod, each once.
Task<void> KubernetesSpawner::tell_events(const Launch& launch,
                                          Progress& progress,
                                          std::set<std::string>& told) {
  const Pod* pod = cluster_->pods.of_launch(launch.id);
  if (pod == nullptr) co_return;
  const std::string selector = "involvedObject.uid=" + pod->uid;
  auto events = co_await cluster_->api.get(
      path_of(launch, "events") + "?limit=100&fieldSelector=" + text::percent_encode(selector));
  if (!events || !events->contains("items") || !(*events)["items"].is_array()) co_return;
  for (const Json& event : (*events)["items"]) {
    const std::string reason = text_in(event, "reason");
    std::string message = text_in(event, "message");
    if (message.empty() || !told.insert(reason + message).second) continue;
    constexpr std::size_t kLongest = 400;
    if (message.size() > kLongest) message.resize(kLongest);
    progress.log(reason + ": " + message + "\n");
  }
}

}  // namespace passerelle::spawners::kubernetes
