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

constexpr int kMostAsked = 10;      // at once
constexpr int kMostUnanswered = 3;  // then it is taken to rest: a server that hangs is no reason
constexpr seconds kFresh{60};

/// When a rule's age ends it, whatever it does.
std::optional<Instant> of_age(const config::CullRule* rule, const Server& server) {
  if (rule == nullptr || rule->age.count() == 0 || !server.record.started) return std::nullopt;
  return *server.record.started + rule->age;
}

}  // namespace

std::optional<Instant> due(const config::CullRule& rule, Instant started, Instant last_activity) {
  std::optional<Instant> at;
  if (rule.idle.count() > 0) at = last_activity + rule.idle;
  if (rule.age.count() > 0) at = at ? std::min(*at, started + rule.age) : started + rule.age;
  return at;
}

Reaper::Reaper(Launcher& launcher,
               const config::Settings& settings,
               const Clock& clock,
               AskKernels ask_kernels)
    : launcher_(launcher),
      settings_(settings),
      clock_(clock),
      ask_kernels_(std::move(ask_kernels)) {}

// A server that is kept counts as in use until its idle time begins to run.
Instant Reaper::used_last(const Server& server, const config::CullRule& rule) const {
  Instant used = last_activity(server);
  if (server.kept_until) used = std::max(used, *server.kept_until - rule.idle);
  const auto asked = inquiries_.find(server.key());
  if (asked != inquiries_.end() && asked->second.launch == server.record.launch_id)
    used = std::max(used, asked->second.busy.value_or(used));
  return used;
}

/// Whether its kernels said so lately; if nobody asked them, this does.
bool Reaper::rests(const ServerPtr& server, Instant now, const asio::any_io_executor& executor) {
  Inquiry& inquiry = inquiries_[server->key()];
  if (inquiry.launch != server->record.launch_id && !inquiry.under_way)
    inquiry = Inquiry{.launch = server->record.launch_id};
  if (inquiry.rested && now - *inquiry.rested < kFresh) return true;
  if (!inquiry.under_way && asking_ < kMostAsked) {
    inquiry.under_way = true;
    ++asking_;
    asio::co_spawn(executor, inquire(server), asio::detached);
  }
  return false;
}

Task<void> Reaper::inquire(ServerPtr server) {
  const KernelWork work = co_await ask_kernels_(server);
  Inquiry& inquiry = inquiries_[server->key()];
  inquiry.under_way = false;
  --asking_;
  inquiry.unanswered = work == KernelWork::unknown ? inquiry.unanswered + 1 : 0;
  if (work == KernelWork::busy) {
    inquiry.busy = clock_.now();
    inquiry.rested.reset();
  } else if (work == KernelWork::none || inquiry.unanswered >= kMostUnanswered) {
    inquiry.rested = clock_.now();
  }
}

void Reaper::forget_ended() {
  std::erase_if(inquiries_, [&](const auto& entry) {
    const ServerPtr server = launcher_.find(entry.first);
    return !entry.second.under_way && (!server || !server->active());
  });
}

Task<void> Reaper::run() {
  for (int round = 1;; ++round) {
    co_await sleep_for(kRound);
    co_await cull(clock_.now());
    if (round % kRoundsPerSave != 0) continue;
    forget_ended();
    co_await launcher_.save_activity();
  }
}

Task<void> Reaper::cull(Instant now) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<std::pair<ServerKey, std::string>> ending;
  for (const auto& [key, server] : launcher_.all()) {
    if (server->record.phase != store::Phase::running) continue;
    const config::CullRule* rule = rule_for(*server);
    const auto at = rule == nullptr ? std::nullopt
                                    : due(*rule, server->record.started.value_or(now),
                                          used_last(*server, *rule));
    server->stops_at = at;
    const auto old_at = of_age(rule, *server);
    const bool soon = at && *at - rule->notice <= now;
    const bool resting = soon && rule->idle.count() > 0 && rests(server, now, executor);
    server->stops_soon =
        (old_at && *old_at - rule->notice <= now) || (soon && (resting || server->stops_soon));
    if (at && *at <= now && (resting || (old_at && *old_at <= now))) {
      const bool idle = rule->idle.count() > 0 && used_last(*server, *rule) + rule->idle <= now;
      ending.emplace_back(key,
                          idle ? "idle for " + std::to_string(rule->idle.count() / 60) + " min"
                               : "running for " + std::to_string(rule->age.count() / 60) + " min");
    }
  }
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
