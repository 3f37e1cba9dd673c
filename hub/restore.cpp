// After a restart: every record of the store is taken up. Routes of running servers come first
// (their users wait); what was interrupted goes on; what nobody knows is stopped.
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/log.hpp"
#include "hub/launcher.hpp"

namespace passerelle::hub {

using store::Phase;

namespace {

std::set<std::string> active_launches(const std::map<ServerKey, ServerPtr>& servers) {
  std::set<std::string> launches;
  for (const auto& [key, server] : servers)
    if (server->active()) launches.insert(server->record.launch_id);
  return launches;
}

}  // namespace

Task<Result<void>> Launcher::restore() {
  auto users = co_await parts_.store.users().all();
  if (!users) co_return std::move(users).error();
  auto records = co_await parts_.store.servers().all();
  if (!records) co_return std::move(records).error();
  std::map<store::UserId, const store::User*> owners;
  for (const store::User& user : *users) owners[user.id] = &user;

  for (store::ServerRecord& record : *records) {
    const auto owner = owners.find(record.user);
    if (owner == owners.end()) continue;
    auto server = std::make_shared<Server>(parts_.loop);
    server->username = owner->second->username;
    server->groups = owner->second->groups;
    server->record = std::move(record);
    server->progress = std::make_shared<LaunchProgress>(server->record.launch_id);
    fill_paths(*server);
    auto secret = parts_.sealer.open(server->record.sealed_secret, "server-secret");
    if (secret) server->secret = std::move(*secret);
    if (secret && server->active() && Contract::applies(profile_of(*server)))
      if (auto entered = parts_.contract.enter(*server, *owner->second); !entered)
        log::warn("launcher", "a server's own token does not work",
                  {{"server", server->base_path}, {"why", entered.error().message()}});
    if (server->record.phase == Phase::running && secret) add_route(*server);
    servers_[server->key()] = server;
  }
  std::vector<ServerPtr> active;
  for (const auto& [key, server] : servers_)
    if (server->active()) active.push_back(server);
  // A pending one was used last when somebody asked for it: the queue keeps its order.
  std::ranges::stable_sort(active, {},
                           [](const ServerPtr& server) { return server->record.last_activity; });
  // From here on all waits for the loop's next turn: a caller that waits for nothing in between may
  // still decide that these servers are another process's (App::begin_serving).
  for (const ServerPtr& server : active)
    asio::co_spawn(parts_.loop, take_up(server), asio::detached);
  asio::co_spawn(parts_.loop, sweep_strangers(), asio::detached);
  co_return Result<void>();
}

// What the spawner has of a server: asked again while it cannot tell ("cannot tell" is never
// "gone"), and while a launch under way has a process that does not listen yet, for as long as a
// start may take.
Task<spawners::Liveness> Launcher::find_out(ServerPtr server, spawners::Spawner& spawner) {
  spawners::Liveness nothing;
  nothing.kind = spawners::Liveness::Kind::ended;
  if (server->record.state.empty()) co_return nothing;
  const auto deadline = std::chrono::steady_clock::now() + profile_of(*server)->start_timeout;
  constexpr auto kLongestPause = std::chrono::milliseconds(5000);
  for (auto pause = std::chrono::milliseconds(50);; pause = std::min(pause * 2, kLongestPause)) {
    const auto began = Tally::Clock::now();
    auto life = co_await spawner.poll(server->record.state);
    const bool runs = life && life->kind == spawners::Liveness::Kind::running;
    parts_.tally.took("server_poll", runs ? "running" : "stopped", began);
    const bool told = life && life->kind != spawners::Liveness::Kind::unknown;
    const bool starting = told && life->kind == spawners::Liveness::Kind::running &&
                          server->record.phase == Phase::pending && !life->upstream &&
                          !spawner.resumes() && std::chrono::steady_clock::now() < deadline;
    if (told && !starting) co_return std::move(*life);
    if (server->stop_asked || !server->active()) co_return nothing;
    co_await sleep_for(starting ? std::chrono::milliseconds(50) : pause);
  }
}

// Goes on where the gateway was killed. What the spawner still has is adopted, never started a
// second time.
Task<void> Launcher::take_up(ServerPtr server) {
  spawners::Spawner* spawner = spawner_of(*server);
  if (spawner == nullptr || profile_of(*server) == nullptr || server->secret.empty()) {
    remove_route(*server);
    co_await end_spawned(server, spawners::StopMode::gentle);
    const Error gone(Errc::not_found, Cause::profile_gone,
                     "its profile or spawner is no longer configured");
    co_await close(server, "launch", gone);
    co_return;
  }
  if (server->record.phase == Phase::stopping) {
    co_await end_spawned(server, spawners::StopMode::gentle);
    co_await close(server, "user", std::nullopt);
    co_return;
  }
  const spawners::Liveness life = co_await find_out(server, *spawner);
  const bool lives = life.kind == spawners::Liveness::Kind::running;
  if (server->record.phase == Phase::running) {
    if (lives) log::info("launcher", "adopted a running server", {{"server", server->base_path}});
    co_await watch(server);  // an ended one is closed there, with the exit code the spawner kept
    co_return;
  }
  if (server->record.phase != Phase::pending) co_return;  // its user stopped it meanwhile
  if (lives && life.upstream) server->record.upstream = to_string(*life.upstream);
  if (lives || server->stop_asked) {
    log::info("launcher", "adopted a launch under way", {{"server", server->base_path}});
    co_await run(server, true);
    co_return;
  }
  // Nothing that could serve is there: remove its traces, then begin again under a new launch id.
  // (Without a state nothing was begun at all.)
  co_await end_spawned(server, spawners::StopMode::now);
  server->record.state.clear();
  server->record.upstream.clear();
  server->record.launch_id = secrets::random_hex(8);
  server->progress = std::make_shared<LaunchProgress>(server->record.launch_id);
  auto stored = co_await parts_.store.servers().put(server->record);
  if (!stored) {
    const Error failed(Errc::unavailable, Cause::internal,
                       "the gateway cannot write its database: " + stored.error().message());
    co_await close(server, "launch", failed);
    co_return;
  }
  log::info("launcher", "a launch begins again",
            {{"server", server->base_path}, {"launch", server->record.launch_id}});
  co_await run(server, false);
}

// A launch that a spawner has and no active record names: the gateway died between stopping it and
// saying so.
Task<void> Launcher::sweep_strangers() {
  for (const auto& [name, spawner] : parts_.spawners) {
    auto found = co_await spawner->found();
    if (!found) {
      log::warn("launcher", "cannot list what a spawner has",
                {{"spawner", name}, {"why", found.error().message()}});
      continue;
    }
    const std::set<std::string> known = active_launches(servers_);
    for (const auto& [launch_id, state] : *found) {
      // Asked again, as one may have begun while another was stopped; rarely, so it may cost.
      if (known.contains(launch_id) || active_launches(servers_).contains(launch_id)) continue;
      log::warn("launcher", "stopping what nobody knows",
                {{"spawner", name}, {"launch", launch_id}});
      auto stopped = co_await spawner->stop(state, spawners::StopMode::gentle);
      if (!stopped)
        log::error("launcher", "cannot stop it",
                   {{"launch", launch_id}, {"why", stopped.error().message()}});
    }
  }
}

Task<void> Launcher::save_activity() {
  std::vector<store::ServerStore::Activity> seen;
  std::vector<ServerPtr> unsaved;
  for (const auto& [key, server] : servers_) {
    if (server->unsaved) unsaved.push_back(server);
    if (!server->route) continue;
    const Instant last = last_activity(*server);
    if (last <= server->record.last_activity) continue;
    server->record.last_activity = last;
    seen.push_back({key.user, key.name, last});
  }
  if (!seen.empty()) {
    auto touched = co_await parts_.store.servers().touch(std::move(seen));
    if (!touched)
      log::warn("launcher", "activity is not saved", {{"why", touched.error().message()}});
  }
  for (const ServerPtr& server : unsaved)
    if (parts_.store.writable()) co_await save(server);
}

}  // namespace passerelle::hub
