#include "spawners/docker/docker.hpp"

#include <filesystem>

#include "base/secrets.hpp"

namespace passerelle::spawners::docker {
namespace {

using nlohmann::json;

constexpr unsigned kTail = 20;
constexpr std::size_t kGatewayDigits = 16;

/// Whoever has the same data_dir is the same gateway.
std::string gateway_of(const std::string& data_dir) {
  const auto path = std::filesystem::absolute(data_dir).lexically_normal().string();
  return secrets::sha256_hex(path).substr(0, kGatewayDigits);
}

bool is_launch_id(const std::string& id) {
  return !id.empty() && id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Liveness ended_as(const Container& container, std::string tail) {
  Liveness liveness;
  liveness.kind = Liveness::Kind::ended;
  liveness.exit_code = container.exit_code;
  if (container.out_of_memory)
    liveness.cause = Cause::out_of_memory;
  else if (container.exit_code != 0)
    liveness.cause = Cause::crashed;
  liveness.log_tail = std::move(tail);
  return liveness;
}

}  // namespace

State to_state(const Launch& launch) {
  return json{{"launch", launch.id}, {"port", launch.port}}.dump();
}

Result<Launch> launch_of(const State& state) {
  const json document = json::parse(state, nullptr, false);
  if (document.is_object() && document.contains("launch") && document["launch"].is_string()) {
    Launch launch{document["launch"].get<std::string>()};
    const auto port = document.find("port");
    if (port != document.end() && port->is_number_unsigned())
      launch.port = port->get<std::uint32_t>();
    if (is_launch_id(launch.id)) return launch;
  }
  return Error(Errc::invalid, Cause::internal, "docker: this state is not one of ours");
}

DockerSpawner::DockerSpawner(std::string name, config::DockerSpawner settings, Surroundings around)
    : name_(std::move(name)),
      settings_(std::move(settings)),
      engine_(around.loop, settings_.socket),
      http_(around.loop),
      gateway_(gateway_of(around.data_dir)) {}

std::vector<std::string> DockerSpawner::labels() const {
  return {"passerelle.gateway=" + gateway_, "passerelle.spawner=" + name_};
}

std::optional<Upstream> DockerSpawner::address_of(const Container& container,
                                                  std::uint32_t port) const {
  try {
    if (settings_.reach == "network") {
      const std::string host =
          container.networks.at("Networks").at(settings_.network).at("IPAddress");
      if (host.empty()) return std::nullopt;
      return Upstream{Upstream::Kind::tcp, host, static_cast<std::uint16_t>(port), {}};
    }
    const json& bound = container.networks.at("Ports").at(std::to_string(port) + "/tcp").at(0);
    const int published = std::stoi(bound.at("HostPort").get<std::string>());
    if (published <= 0 || published > 65535) return std::nullopt;
    return Upstream{Upstream::Kind::tcp, "127.0.0.1", static_cast<std::uint16_t>(published), {}};
  } catch (const std::exception&) {
    return std::nullopt;  // it does not run: it has none
  }
}

Task<Result<Liveness>> DockerSpawner::poll(State state) {
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  auto container = co_await engine_.inspect(launch->container());
  Liveness liveness;
  if (!container && container.error().code() == Errc::not_found) {
    liveness.kind = Liveness::Kind::ended;
    co_return liveness;
  }
  if (!container) co_return liveness;
  if (container->running) {
    liveness.kind = Liveness::Kind::running;
    liveness.upstream = address_of(*container, launch->port);
    co_return liveness;
  }
  auto printed = co_await engine_.logs(launch->container(), kTail);
  co_return ended_as(*container, printed ? std::move(*printed) : std::string());
}

Task<Result<Liveness>> DockerSpawner::wait_for_end(State state) {
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  for (;;) {
    co_await until_end(launch->container());
    auto liveness = co_await poll(state);
    if (!liveness || liveness->kind == Liveness::Kind::ended) co_return liveness;
  }
}

Task<Result<void>> DockerSpawner::stop(State state, StopMode mode) {
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  if (mode == StopMode::gentle) {
    const auto stopped = co_await engine_.stop(launch->container(), settings_.stop_patience);
    if (!stopped) co_return stopped;
  }
  auto removed = co_await engine_.remove(launch->container());
  co_return removed;
}

Task<Result<std::vector<std::pair<std::string, State>>>> DockerSpawner::found() {
  auto states = co_await engine_.labelled(labels(), "passerelle.state");
  if (!states) co_return std::move(states.error());
  std::vector<std::pair<std::string, State>> all;
  for (State& state : *states)
    if (const auto launch = launch_of(state)) all.emplace_back(launch->id, std::move(state));
  co_return all;
}

}  // namespace passerelle::spawners::docker

namespace passerelle::spawners {

Result<std::unique_ptr<Spawner>> make_docker(const config::Spawner& settings, Surroundings around) {
  const config::DockerSpawner own = settings.docker ? *settings.docker : config::DockerSpawner();
  return std::unique_ptr<Spawner>(
      std::make_unique<docker::DockerSpawner>(settings.name, own, std::move(around)));
}

}  // namespace passerelle::spawners
