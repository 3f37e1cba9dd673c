// What the API says of a release: whether its Service has somebody who answers, what its pods wait
// for, what controllers and nodes complain about.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "spawners/kubernetes/charts.hpp"
#include "spawners/kubernetes/live_log.hpp"
#include "spawners/kubernetes/object.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(30);
constexpr int kCrashes = 2;  // of a container that its pod starts again

bool is_page(const std::string& name) {
  constexpr std::array<std::string_view, 7> kNames = {"http", "web",      "ui",      "main",
                                                      "app",  "notebook", "http-web"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// The named one; else one that is called as a page is; else the first.
const Json* port_of(const Json& ports, const std::string& wanted) {
  const Json* chosen = nullptr;
  for (const Json& port : ports) {
    const std::string name = text_in(port, "name");
    if (!wanted.empty() && name == wanted) return &port;
    if (wanted.empty() && chosen == nullptr && is_page(name)) chosen = &port;
  }
  if (chosen != nullptr || !wanted.empty()) return chosen;
  return ports.empty() ? nullptr : &ports.front();
}

/// The named one; else the only one with an address; else the one with the release's name.
const Json* service_of(const Json& services, const Installation& installation) {
  const Json* chosen = nullptr;
  std::size_t several = 0;
  for (const Json& service : services) {
    const std::string name = text_in(part(service, "metadata"), "name");
    if (!installation.service.empty()) {
      if (name == installation.service) return &service;
      continue;
    }
    if (text_in(part(service, "spec"), "clusterIP") == "None") continue;  // headless: for peers
    if (name == installation.release) return &service;
    chosen = &service;
    ++several;
  }
  return several == 1 ? chosen : nullptr;
}

std::optional<Upstream> upstream_at(const std::string& host, const Json& port) {
  const Json& number = part(port, "port");
  if (host.empty() || !number.is_number_unsigned()) return std::nullopt;
  return Upstream{Upstream::Kind::tcp, host, number.get<std::uint16_t>(), {}};
}

bool is_image_trouble(const Pod& pod) {
  return pod.waiting == "ErrImagePull" || pod.waiting == "ImagePullBackOff" ||
         pod.waiting == "ErrImageNeverPull" || pod.waiting == "InvalidImageName";
}

bool is_trouble(const Pod& pod) {
  return is_image_trouble(pod) || pod.waiting == "CreateContainerConfigError" ||
         pod.waiting == "CreateContainerError" || pod.waiting == "RunContainerError";
}

std::optional<Error> hopeless(const Pod& pod, steady_clock::duration since) {
  const bool never = pod.waiting == "ErrImageNeverPull" || pod.waiting == "InvalidImageName";
  if (never || (is_trouble(pod) && since > kPatience))
    return Error(Errc::unavailable, is_image_trouble(pod) ? Cause::image_pull : Cause::crashed,
                 pod.waiting_message);
  if (pod.restarts < kCrashes) return std::nullopt;
  if (pod.out_of_memory)
    return Error(Errc::unavailable, Cause::out_of_memory,
                 "the service used more memory than it may and was ended before it listened");
  return Error(Errc::unavailable, Cause::crashed,
               "the service ended " + std::to_string(pod.restarts) + " times before it listened");
}

/// It is to go, and no container of it has ever run: there is nothing to wait for. (Its node may
/// take a minute all the same, and a StatefulSet as long for the next one.)
bool never_began(const Json& pod) {
  if (!part(part(pod, "metadata"), "deletionTimestamp").is_string()) return false;
  const Json& status = part(pod, "status");
  if (text_in(status, "phase") != "Pending") return false;
  const Json& containers = list_in(status, "containerStatuses");
  return !containers.empty() &&
         std::all_of(containers.begin(), containers.end(), [](const Json& one) {
           const std::string why = text_in(part(part(one, "state"), "waiting"), "reason");
           return part(one, "lastState").empty() && !why.empty() && why != "ContainerCreating";
         });
}

}  // namespace

Task<Result<std::optional<Upstream>>> Charts::address_of(Installation installation) {
  const std::string base = "/api/v1/namespaces/" + installation.namespace_;
  auto services = co_await cluster_->api.get(
      base + "/services?labelSelector=" + text::percent_encode(kReleaseLabel) + "%3D" +
      installation.release);
  if (!services) co_return std::move(services.error());
  const Json* service = service_of(list_in(*services, "items"), installation);
  if (service == nullptr) co_return std::optional<Upstream>();
  const std::string name = text_in(part(*service, "metadata"), "name");
  const Json* port = port_of(list_in(part(*service, "spec"), "ports"), installation.port);
  if (port == nullptr) co_return std::optional<Upstream>();
  auto endpoints = co_await cluster_->api.get(base + "/endpoints/" + name);
  if (!endpoints && endpoints.error().code() == Errc::not_found)
    co_return std::optional<Upstream>();
  if (!endpoints) co_return std::move(endpoints.error());
  for (const Json& subset : list_in(*endpoints, "subsets")) {
    const Json& ready = list_in(subset, "addresses");
    const std::string port_name = text_in(*port, "name");
    const Json* theirs = port_of(list_in(subset, "ports"), port_name);
    if (ready.empty() || theirs == nullptr) continue;
    if (settings_.reach == "pod") co_return upstream_at(text_in(ready.front(), "ip"), *theirs);
    co_return upstream_at(text_in(part(*service, "spec"), "clusterIP"), *port);
  }
  co_return std::optional<Upstream>();
}

Task<Result<Upstream>> Charts::until_ready(Installation installation,
                                           Progress& progress,
                                           std::set<std::string> told) {
  constexpr auto kLook = std::chrono::milliseconds(1000);
  constexpr auto kSoon = std::chrono::milliseconds(20);  // endpoints follow a pod that is ready
  std::optional<steady_clock::time_point> trouble;
  LiveLog log;
  for (auto soon = kSoon;;) {
    const std::optional<Pod> pod = cluster_->releases.known(installation.pods());
    if (!pod || pod->ready) {
      auto address = co_await address_of(installation);
      const bool there = address && *address;
      if (there && pod) co_await log.tell(cluster_->api, installation.namespace_, *pod, progress);
      if (there) co_return std::move(**address);
    }
    auto complaint = co_await tell_events(installation, &progress, told);
    if (complaint) co_return std::move(*complaint);
    if (!pod || !is_trouble(*pod))
      trouble.reset();
    else if (!trouble)
      trouble = steady_clock::now();
    const auto since = trouble ? steady_clock::now() - *trouble : steady_clock::duration::zero();
    if (pod && !pod->ready && !pod->deleting)
      if (auto end = hopeless(*pod, since)) co_return std::move(*end);
    if (pod) co_await log.tell(cluster_->api, installation.namespace_, *pod, progress);
    if (cluster_->releases.known(installation.pods()) != pod) continue;
    const bool near = pod && pod->ready;
    co_await cluster_->releases.news(installation.pods(), near ? soon : kLook);
    soon = near ? std::min(soon * 2, kLook) : kSoon;
  }
}

Error Charts::overdue(const Installation& installation) const {
  const Pod* pod = cluster_->releases.of_launch(installation.pods());
  if (pod == nullptr) return {Errc::timeout, Cause::start_timeout, "the chart made no pod in time"};
  if (pod->unschedulable) return {Errc::timeout, Cause::unschedulable, pod->message};
  if (is_image_trouble(*pod)) return {Errc::timeout, Cause::image_pull, pod->waiting_message};
  if (pod->ready)
    return {Errc::timeout, Cause::start_timeout,
            "the chart has no Service that leads to its pod; name one in the profile's `chart`"};
  return {Errc::timeout, Cause::start_timeout,
          "the pod was still " + (pod->waiting.empty() ? pod->phase : pod->waiting)};
}

/// What was not told before; an Error for a namespace that is full, which no pod would ever show.
Task<std::optional<Error>> Charts::tell_events(const Installation& installation,
                                               Progress* progress,
                                               std::set<std::string>& told) {
  auto events = co_await cluster_->api.get("/api/v1/namespaces/" + installation.namespace_ +
                                           "/events?limit=500");
  if (!events) co_return std::nullopt;
  std::optional<Error> complaint;
  for (const Json& event : list_in(*events, "items")) {
    const std::string about = text_in(part(event, "involvedObject"), "name");
    if (about != installation.release && !about.starts_with(installation.release + "-")) continue;
    const std::string reason = text_in(event, "reason");
    std::string message = text_in(event, "message");
    const std::string key =
        text_in(part(event, "metadata"), "uid") + "#" + part(event, "count").dump();
    if (message.empty() || !told.insert(key).second || progress == nullptr) continue;
    constexpr std::size_t kLongest = 400;
    if (message.size() > kLongest) message.resize(kLongest);
    progress->log(reason + ": " + message + "\n");
    if (reason == "FailedCreate" && message.find("exceeded quota") != std::string::npos)
      complaint = Error(Errc::forbidden, Cause::quota_user, message);
  }
  co_return complaint;
}

/// With the last lines of its pod, if it has printed any.
Task<Error> Charts::with_log(const Installation& installation, Error why) {
  const Pod* pod = cluster_->releases.of_launch(installation.pods());
  if (pod == nullptr || pod->phase == "Pending") co_return why;
  const std::string address =
      "/api/v1/namespaces/" + installation.namespace_ + "/pods/" + pod->name + "/log?tailLines=20";
  auto printed = co_await cluster_->api.text(address + (pod->restarts > 0 ? "&previous=true" : ""));
  co_return std::move(why).with_log(printed ? std::move(*printed) : std::string());
}

Task<Result<void>> Charts::until_no_pods(Installation installation) {
  const std::string address = "/api/v1/namespaces/" + installation.namespace_ +
                              "/pods?labelSelector=" + text::percent_encode(kReleaseLabel) + "%3D" +
                              installation.release;
  const auto until = steady_clock::now() + std::chrono::seconds(120);
  for (;;) {
    auto pods = co_await cluster_->api.get(address);
    if (!pods) co_return std::move(pods.error());
    const Json& all = list_in(*pods, "items");
    const bool some = std::any_of(all.begin(), all.end(), [](const Json& pod) {
      const std::string phase = text_in(part(pod, "status"), "phase");
      return phase != "Succeeded" && phase != "Failed";
    });
    if (!some) co_return Result<void>();
    for (const Json& pod : all) {
      if (!never_began(pod)) continue;
      const Json& about = part(pod, "metadata");
      std::string path =
          "/api/v1/namespaces/" + installation.namespace_ + "/pods/" + text_in(about, "name");
      std::string uid = text_in(about, "uid");
      // An account that may not do it waits.
      static_cast<void>(
          co_await cluster_->api.remove(std::move(path), std::chrono::seconds(0), std::move(uid)));
    }
    if (steady_clock::now() > until)
      co_return Error(Errc::timeout, Cause::spawner_down,
                      "the pods of " + installation.release + " do not go away");
    co_await cluster_->releases.news(installation.pods(), std::chrono::seconds(1));
  }
}

}  // namespace passerelle::spawners::kubernetes
