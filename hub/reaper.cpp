#include "hub/reaper.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/log.hpp"

namespace passerelle::hub {
namespace {

constexpr seconds kRound{1};
constexpr int kRoundsPerSave = 60;  // activity is written once a minute

Task<void> stop_one(Launcher& launcher, ServerKey key, StopRequest request) {
  auto stopped = co_await launcher.stop(std::move(key), std::move(request));
  if (!stopped) log::error("reaper", "cannot stop a server", {{"why", stopped.error().message()}});
}

// A server that is kept counts as in use until its idle time begins to run.
Instant used_last(const Server& server, const config::CullRule& rule) {
  const Instant used = last_activity(server);
  return server.kept_until ? std::max(used, *server.kept_until - rule.idle) : used;
}

}  // namespace

std::optional<Instant> due(const config::CullRule& rule, Instant started, Instant last_activity) {
  std::optional<Instant> at;
  if (rule.idle.count() > 0) at = last_activity + rule.idle;
  if (rule.age.count() > 0) at = at ? std::min(*at, started + rule.age) : started + rule.age;
  return at;
}

Reaper::Reaper(Launcher& launcher, const config::Settings& settings, const Clock& clock)
    : launcher_(launcher), settings_(settings), clock_(clock) {}

Task<void> Reaper::run() {
  for (int round = 1;; ++round) {
    co_await sleep_for(kRound);
    co_await cull(clock_.now());
    if (round % kRoundsPerSave == 0) co_await launcher_.save_activity();
  }
}

Task<void> Reaper::cull(Instant now) {
  std::vector<std::pair<ServerKey, std::string>> ending;
  for (const auto& [key, server] : launcher_.all()) {
    if (server->record.phase != store::Phase::running) continue;
    const config::CullRule* rule = rule_for(*server);
    const auto at = rule == nullptr ? std::nullopt
                                    : due(*rule, server->record.started.value_or(now),
                                          used_last(*server, *rule));
    server->stops_at = at;
    server->stops_soon = at && *at - rule->notice <= now;
    if (at && *at <= now) {
      const bool idle = rule->idle.count() > 0 && used_last(*server, *rule) + rule->idle <= now;
      ending.emplace_back(key,
                          idle ? "idle for " + std::to_string(rule->idle.count() / 60) + " min"
                               : "running for " + std::to_string(rule->age.count() / 60) + " min");
    }
  }
  const auto executor = co_await asio::this_coro::executor;
  for (auto& [key, why] : ending) {
    StopRequest request{.by = "cull", .detail = why, .actor = "gateway", .peer = ""};
    asio::co_spawn(executor, stop_one(launcher_, key, std::move(request)), asio::detached);
  }
}

// First match wins, as the file is read.
const config::CullRule* Reaper::rule_for(const Server& server) const {
  for (const config::CullRule& rule : settings_.cull) {
    if (!rule.profile.empty() && rule.profile != server.record.profile) continue;
    if (!rule.group.empty() &&
        std::find(server.groups.begin(), server.groups.end(), rule.group) == server.groups.end())
      continue;
    return &rule;
  }
  return nullptr;
}

}  // namespace passerelle::hub
