#include "spawners/kubernetes/kubernetes.hpp"

#include <filesystem>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/secrets.hpp"
#include "spawners/container.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

constexpr std::size_t kGatewayDigits = 16;

/// Whoever has the same data_dir is the same gateway.
std::string gateway_of(const std::string& data_dir) {
  const auto path = std::filesystem::absolute(data_dir).lexically_normal().string();
  return secrets::sha256_hex(path).substr(0, kGatewayDigits);
}

std::string selector_for(const std::string& gateway, const std::string& spawner) {
  return std::string(kGatewayLabel) + "=" + gateway + "," + kSpawnerLabel + "=" + spawner;
}

/// What may stand in a path: the names that we make and those of the configuration.
bool is_name(const std::string& name) {
  return !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
}

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Task<void> watch_for_ever(ClusterPtr cluster, bool releases) {
  if (releases)
    co_await cluster->watch_releases.run();
  else
    co_await cluster->watch.run();
}

}  // namespace

State to_state(const Launch& launch) {
  return Json{{"launch", launch.id},
              {"pod", launch.pod},
              {"namespace", launch.namespace_},
              {"port", launch.port}}
      .dump();
}

Result<Launch> launch_of(const State& state) {
  const Json document = Json::parse(state, nullptr, false);
  Launch launch;
  if (document.is_object()) {
    launch.id = text_in(document, "launch");
    launch.pod = text_in(document, "pod");
    launch.namespace_ = text_in(document, "namespace");
    const auto port = document.find("port");
    if (port != document.end() && port->is_number_unsigned())
      launch.port = port->get<std::uint32_t>();
  }
  if (is_name(launch.id) && is_name(launch.pod) && is_name(launch.namespace_)) return launch;
  return Error(Errc::invalid, Cause::internal, "kubernetes: this state is not one of ours");
}

KubernetesSpawner::KubernetesSpawner(std::string name,
                                     config::KubernetesSpawner settings,
                                     Access access,
                                     Surroundings around)
    : name_(std::move(name)),
      settings_(std::move(settings)),
      gateway_(gateway_of(around.data_dir)) {
  if (settings_.namespace_.empty()) settings_.namespace_ = access.namespace_;
  cluster_ = std::make_shared<Cluster>(around.loop, std::move(access), pods_path(settings_),
                                       selector_for(gateway_, name_));
  projects_ = std::make_shared<Projects>(settings_, gateway_, around.workers, cluster_);
  auto token = asio::bind_cancellation_slot(cluster_->end.slot(), asio::detached);
  asio::co_spawn(around.loop, watch_for_ever(cluster_, false), token);
  if (settings_.helm.empty()) return;
  charts_ = std::make_unique<Charts>(settings_, projects_, gateway_, around, cluster_);
  auto also = asio::bind_cancellation_slot(cluster_->end_releases.slot(), asio::detached);
  asio::co_spawn(around.loop, watch_for_ever(cluster_, true), also);
}

KubernetesSpawner::~KubernetesSpawner() {
  cluster_->end.emit(asio::cancellation_type::terminal);
  cluster_->end_releases.emit(asio::cancellation_type::terminal);
}

Launch KubernetesSpawner::launch_for(const ServerSpec& spec) const {
  const config::ContainerProfile usual;
  return {spec.launch_id, "jupyter-" + safe_name(spec.username, spec.server_name),
          projects_->all_of(spec).front().namespace_,
          spec.profile.container ? spec.profile.container->port : usual.port};
}

Task<Result<void>> KubernetesSpawner::until_synced() {
  while (!cluster_->pods.is_synced()) co_await cluster_->pods.news({}, std::chrono::seconds(1));
  co_return Result<void>();
}

Task<std::string> KubernetesSpawner::tail_of(const Launch& launch) {
  auto printed = co_await cluster_->api.text(path_of(launch, "pods", launch.pod) +
                                             "/log?container=notebook&tailLines=20");
  co_return printed ? std::move(*printed) : std::string();
}

Task<Result<Liveness>> KubernetesSpawner::ended_as(Launch launch, Pod pod) {
  Liveness liveness;
  liveness.kind = Liveness::Kind::ended;
  liveness.exit_code = pod.exit_code;
  if (pod.out_of_memory)
    liveness.cause = Cause::out_of_memory;
  else if (pod.exit_code.value_or(0) != 0)
    liveness.cause = Cause::crashed;
  else if (!pod.exit_code && pod.phase == "Failed")
    liveness.cause = Cause::node_lost;
  liveness.log_tail = co_await tail_of(launch);
  co_return liveness;
}

/// Asks the server itself: a restored gateway polls before the watch has told everything.
Task<Result<Liveness>> KubernetesSpawner::poll(State state) {
  if (const auto release = installation_of(state); release && charts_) {
    auto served = co_await charts_->poll(*release);
    co_return served;
  }
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  auto object = co_await cluster_->api.get(path_of(*launch, "pods", launch->pod));
  Liveness liveness;
  if (!object && object.error().code() != Errc::not_found) co_return liveness;
  if (!object || pod_of(*object).launch != launch->id) {
    liveness.kind = Liveness::Kind::ended;
    liveness.cause = Cause::node_lost;
    co_return liveness;
  }
  const Pod pod = pod_of(*object);
  if (pod.ended()) {
    auto ended = co_await ended_as(*launch, pod);
    co_return ended;
  }
  liveness.kind = Liveness::Kind::running;
  if (!pod.ip.empty())
    liveness.upstream =
        Upstream{Upstream::Kind::tcp, pod.ip, static_cast<std::uint16_t>(launch->port), {}};
  co_return liveness;
}

Task<Result<Liveness>> KubernetesSpawner::wait_for_end(State state) {
  if (const auto release = installation_of(state); release && charts_) {
    auto served = co_await charts_->wait_for_end(*release);
    co_return served;
  }
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  constexpr auto kNow = std::chrono::minutes(10);
  for (;;) {
    const Pod* pod = cluster_->pods.of_launch(launch->id);
    if (cluster_->pods.is_synced() && (pod == nullptr || pod->ended())) {
      auto asked = co_await poll(state);
      if (!asked || asked->kind == Liveness::Kind::ended) co_return asked;
      co_await sleep_for(std::chrono::seconds(1));
      continue;
    }
    co_await cluster_->pods.news(launch->id, kNow);
  }
}

Task<Result<void>> KubernetesSpawner::stop(State state, StopMode mode) {
  if (const auto release = installation_of(state); release && charts_) {
    auto ended = co_await charts_->stop(*release);
    co_return ended;
  }
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  const auto grace = mode == StopMode::gentle ? settings_.stop_patience : std::chrono::seconds(0);
  auto removed = co_await remove_objects(cluster_, *launch, grace);
  co_return removed;
}

Task<Result<std::vector<std::pair<std::string, State>>>> KubernetesSpawner::found() {
  auto synced = until_synced();
  const auto told = co_await with_timeout(std::move(synced), std::chrono::seconds(30), "the list");
  if (!told)
    co_return Error(Errc::unavailable, Cause::spawner_down,
                    "the cluster's API server does not answer");
  std::vector<std::pair<std::string, State>> all;
  for (const auto& [uid, pod] : cluster_->pods.all())
    if (const auto launch = launch_of(pod.state); launch && launch->id == pod.launch)
      all.emplace_back(pod.launch, pod.state);
  if (!charts_) co_return all;
  auto releases = co_await charts_->found();
  if (!releases) co_return releases;
  for (auto& one : *releases) all.push_back(std::move(one));
  co_return all;
}

Task<Result<ChartOfferPtr>> KubernetesSpawner::offer(ServerSpec spec) {
  if (!charts_)
    co_return Error(Errc::unavailable, Cause::spawner_down, "the spawner has no `helm`");
  auto made = co_await charts_->offer(std::move(spec));
  co_return made;
}

Task<Result<CatalogueListPtr>> KubernetesSpawner::charts(config::KubernetesProfile profile) {
  auto listed = co_await charts_->listed(std::move(profile));
  co_return listed;
}

Task<Result<FilledForm>> KubernetesSpawner::filled(ChartOfferPtr offer, Filling filling) {
  auto made = co_await charts_->filled(std::move(offer), std::move(filling));
  co_return made;
}

Task<std::vector<Gauge>> KubernetesSpawner::quota(std::string in_namespace, bool fresh) {
  auto gauges = co_await charts_->quota(std::move(in_namespace), fresh);
  co_return gauges;
}

Task<std::vector<Neighbour>> KubernetesSpawner::neighbours(std::string in_namespace) {
  auto asking = charts_->neighbours(std::move(in_namespace));
  auto told = co_await with_timeout(std::move(asking), std::chrono::seconds(2), "the releases");
  co_return told ? std::move(*told) : std::vector<Neighbour>();
}

Task<Result<std::string>> KubernetesSpawner::notes(State state) {
  const auto release = installation_of(state);
  if (!release || !charts_) co_return Error(Errc::not_found, "no chart, no notes");
  auto words = co_await charts_->notes(*release);
  co_return words;
}

Task<Result<void>> KubernetesSpawner::uninstall(ServerSpec spec) {
  if (!charts_)
    co_return Error(Errc::unavailable, Cause::spawner_down, "the spawner has no `helm`");
  auto gone = co_await charts_->uninstall(std::move(spec));
  co_return gone;
}

Condition KubernetesSpawner::condition(const State& state) const {
  Condition condition;
  if (const auto release = installation_of(state); release && charts_)
    condition.command = "helm status " + release->release + " --namespace " + release->namespace_;
  return condition;
}

}  // namespace passerelle::spawners::kubernetes

namespace passerelle::spawners {

Result<std::unique_ptr<Spawner>> make_kubernetes(const config::Spawner& settings,
                                                 Surroundings around) {
  const config::KubernetesSpawner own =
      settings.kubernetes ? *settings.kubernetes : config::KubernetesSpawner();
  auto access = own.kubeconfig.empty() ? kubernetes::read_in_cluster()
                                       : kubernetes::read_kubeconfig(own.kubeconfig, own.context);
  if (!access) return std::move(access.error()).within("spawner " + settings.name);
  return std::unique_ptr<Spawner>(std::make_unique<kubernetes::KubernetesSpawner>(
      settings.name, own, std::move(*access), std::move(around)));
}

}  // namespace passerelle::spawners
