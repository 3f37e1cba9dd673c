// A job's way up: submitted, queued, running, reported. Each await may be the last one of this
// gateway; what is needed to go on is stored before it.
#include <filesystem>

#include "base/files.hpp"
#include "base/log.hpp"
#include "base/secrets.hpp"
#include "spawners/batch/batch.hpp"
#include "spawners/batch/credentials.hpp"
#include "spawners/batch/request.hpp"

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kMargin{
    86400};  ///< Certificates outlive the walltime by that much, for the queue
constexpr seconds kLongestQueue{60 * 86400};

Error down(std::string why) {
  return {Errc::unavailable, Cause::spawner_down, std::move(why)};
}

std::string one_line(const Argv& command) {
  std::string line;
  for (const std::string& text : command) {
    const bool plain =
        text.find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./=,:+@%-") ==
            std::string::npos &&
        !text.empty();
    line += (line.empty() ? "" : " ") + (plain ? text : "'" + text + "'");
  }
  return line;
}

}  // namespace

Result<json> BatchSpawner::order_for(const ServerSpec& spec,
                                     Launch& launch,
                                     const std::string& key) {
  static const config::BatchProfile usual;
  const config::BatchProfile& profile = spec.profile.batch ? *spec.profile.batch : usual;
  auto account = account_of(batch_.system_user, spec);
  if (!account) return std::move(account).error();
  launch.user = *account;
  const auto wish = wish_of(batch_, profile, spec, launch.name);
  if (!wish) return wish.error();
  if (wormhole_) launch.socket = wormhole_->socket_of(launch.id);
  auto command = command_of(spec, launch.user, wormhole_ != nullptr);
  if (!command) return std::move(command).error();
  auto environment = environment_of(spec, launch.user, wormhole_ != nullptr);
  if (!environment) return std::move(environment).error();
  launch.walltime = walltime_of(wish->walltime)->count();
  launch.queue_patience = profile.queue_timeout.count();
  launch.start_patience = std::chrono::duration_cast<seconds>(spec.start_timeout).count();

  const auto keys = make_credentials(launch.id + ".job.invalid",
                                     seconds(launch.walltime) + kMargin + kLongestQueue);
  if (!keys) return keys.error();
  const std::string directory = keys_of(launch.id);
  if (auto made = files::make_directory(directory, 0700); !made) return std::move(made).error();
  if (auto done = files::write_durable(directory + "/ca.pem", keys->authority, 0600); !done)
    return std::move(done).error();
  if (auto done = files::write_durable(directory + "/client.pem", keys->client, 0600); !done)
    return std::move(done).error();

  json order = {{"verb", "submit"}, {"launch", launch.id}, {"wish", to_json(*wish)}};
  order["command"] = *command;
  order["environment"] = *environment;
  order["prologue"] = profile.prologue;
  order["files"] = {{"hdr", "X-Passerelle-Key: " + key + "\n"},
                    {"server.crt", keys->server_certificate},
                    {"server.key", keys->server_key},
                    {"client-ca.crt", keys->authority}};
  const std::string hub = hub_for_jobs();
  const std::string url = wormhole_ ? hub + "/wormhole/" + mark() + "/" + launch.id
                                    : hub + "/api/launches/" + launch.id + "/arrived";
  order["settings"] = {{"URL", url},
                       {"WORMHOLE", wormhole_ ? "1" : ""},
                       {"FIRST", std::to_string(batch_.first_port)},
                       {"LAST", std::to_string(batch_.last_port)},
                       {"PATIENCE", std::to_string(launch.start_patience)},
                       {"CA", batch_.callback_ca.empty() ? "" : "1"}};
  if (!batch_.callback_ca.empty()) {
    auto authority = files::read(batch_.callback_ca);
    if (!authority) return std::move(authority).error();
    order["files"]["hub-ca.crt"] = *authority;
  }
  if (batch_.act_as == "api") return without_secrets(launch, std::move(order));
  return order;
}

/// The hub as nodes reach it.
std::string BatchSpawner::hub_for_jobs() const {
  std::string gateway = batch_.callback_url;
  while (gateway.ends_with('/')) gateway.pop_back();
  return gateway.empty() ? around_.hub_url : gateway + "/hub";
}

Task<Result<Started>> BatchSpawner::start(ServerSpec spec, Progress& progress) {
  progress.step("prepare");
  Launch launch;
  launch.id = spec.launch_id;
  launch.name = prefix_ + spec.launch_id;
  const std::string key = secrets::random_token();
  launch.key_hash = secrets::sha256_hex(key);
  auto order = order_for(spec, launch, key);
  auto submitted = order ? Result<void>() : Result<void>(order.error());
  if (order) submitted = co_await submit(launch, std::move(*order), progress);
  if (!submitted &&
      launch.submitting == 0) {  // nothing was begun that stop() would be asked to undo
    std::error_code ignored;
    std::filesystem::remove_all(keys_of(launch.id), ignored);
  }
  if (!submitted) co_return std::move(submitted).error();
  auto started = co_await until_up(std::move(launch), progress);
  co_return started;
}

Task<Result<Started>> BatchSpawner::resume(ServerSpec /*spec*/, State state, Progress& progress) {
  auto launch = launch_from(state);
  if (!launch) co_return Error(Errc::invalid, Cause::internal, "not a state of this spawner");
  progress.step("prepare");
  auto started = co_await until_up(std::move(*launch), progress);
  co_return started;
}

// The circuit breaker: while the scheduler does not answer, nothing is submitted; commands that
// hang would pile up.
Task<Result<void>> BatchSpawner::submit(Launch& launch, json order, Progress& progress) {
  const Watch asked = cluster_->watch(launch.name, "", launch.user);
  if (!cluster_->answered_lately()) co_await cluster_->next_look(true);
  if (cluster_->silent_since())
    co_return down("the scheduler does not answer: " + cluster_->last_problem());
  launch.submitting = now_in_seconds();
  auto stored = co_await progress.remember(to_state(launch));
  if (!stored) co_return stored;
  progress.step("spawn");
  auto answer = co_await cluster_->act(std::move(order), launch.user);
  const Errc wrong = answer ? Errc::internal : answer.error().code();
  if (!answer && (wrong == Errc::forbidden || wrong == Errc::not_found)) {  // nothing was tried
    launch.submitting = 0;
    (void)co_await progress.remember(to_state(launch));
    if (wrong == Errc::not_found) co_return answer.error();
    co_return down(answer.error().message());
  }
  if (!answer) {
    auto doubt = co_await after_doubt(launch, false, answer.error().message());
    if (!doubt) co_return doubt;
  } else {
    launch.command = one_line(answer->command);
    const Submitted came = cluster_->adapter().submitted(*answer);
    if (came.kind == Submitted::Kind::refused) {
      json cleaning = {{"verb", "clean"}, {"launch", launch.id}};
      (void)co_await cluster_->act(std::move(cleaning), launch.user);
      launch.submitting = 0;  // no job to look for
      (void)co_await progress.remember(to_state(launch));
      co_return Error(Errc::invalid, Cause::batch_refused, came.text);
    }
    // Its name is looked for all the same, once the scheduler answers: see stop().
    if (came.kind == Submitted::Kind::doubtful && !came.reached) co_return down(came.text);
    if (came.kind == Submitted::Kind::doubtful) {
      auto doubt = co_await after_doubt(launch, !answer->timed_out, came.text);
      if (!doubt) co_return doubt;
    } else {
      launch.job = came.job;
    }
  }
  auto kept = co_await progress.remember(to_state(launch));
  co_return kept;
}

// Nobody knows whether there is a job now: its name tells. One that was said to have failed is not
// ours to keep.
Task<Result<void>> BatchSpawner::after_doubt(Launch& launch, bool answered, std::string why) {
  auto found = co_await cluster_->find(launch.name);
  if (!found) co_return down(why + "; and " + found.error().message());
  for (const Job& job : *found) {
    if (job.name != launch.name || job.state == Job::State::ended) continue;
    if (!cluster_->is_of(job, launch.user)) continue;  // somebody else's of the same name
    launch.job = job.id;
    if (!answered) co_return Result<void>();
  }
  co_return down(std::move(why));
}

Task<Result<Started>> BatchSpawner::until_up(Launch launch, Progress& progress) {
  if (auto open = open_way(launch); !open) co_return std::move(open).error();
  const Watch watch = cluster_->watch(launch.name, launch.job, launch.user);
  const auto expected = std::make_shared<Expected>();
  expected->key_hash = launch.key_hash;
  expected->watch = watch;
  (*expected_)[launch.id] = expected;
  struct Leave {
    const std::shared_ptr<ExpectedMap> all;
    const std::string id;
    const std::shared_ptr<Expected> mine;
    ~Leave() {
      mine->closed = true;
      const auto found = all->find(id);
      if (found != all->end() && found->second == mine) all->erase(found);
    }
  } leave{expected_, launch.id, expected};
  auto running = co_await until_running(launch, watch, progress);
  if (!running) co_return std::move(running).error();
  auto reported = co_await until_reported(launch, watch, expected, progress);
  if (!reported) co_return std::move(reported).error();
  launch.host = watch->job->host;
  launch.port = expected->port;
  if (launch.socket.empty()) {
    auto address = co_await address_of(launch.host);
    if (!address) co_return std::move(address).error();
    launch.address = std::move(*address);
  }
  const auto begun =
      watch->job->started ? watch->job->started->time_since_epoch().count() : now_in_seconds();
  launch.ends = begun + launch.walltime;
  auto stored = co_await progress.remember(to_state(launch));
  if (!stored) co_return std::move(stored).error();
  expected->stored = true;
  forget_kit(launch);
  cluster_->wake();
  co_return Started{*upstream_of(launch), to_state(launch)};
}

// What people are told while they wait.
void BatchSpawner::tell(const Launch& launch, const Watch& watch, Progress& progress) const {
  Waiting how;
  how.job = launch.job;
  how.state = "queued";
  if (cluster_->silent_since()) how.state = "silent";
  if (watch->job && !cluster_->silent_since()) {
    const Job& job = *watch->job;
    if (job.state == Job::State::held) how.state = "held";
    if (job.state == Job::State::paused) how.state = "paused";
    if (job.state == Job::State::starting) how.state = "starting";
    how.reason = job.reason;
    if (job.state == Job::State::queued) how.starts = job.predicted;
  }
  progress.waiting(how);
}

Task<Result<void>> BatchSpawner::until_running(Launch& launch,
                                               const Watch& watch,
                                               Progress& progress) {
  progress.step("cluster");
  tell(launch, watch, progress);
  bool soon = true;
  for (;;) {
    co_await cluster_->next_look(soon);
    soon = false;
    if (watch->ended || watch->gone) {
      auto why = co_await why_ended(launch, watch);
      co_return why;
    }
    if (launch.job.empty() && !watch->id.empty()) launch.job = watch->id;
    tell(launch, watch, progress);
    if (watch->job && watch->job->state == Job::State::running && !watch->job->host.empty())
      co_return Result<void>();
    if (launch.queue_patience > 0 && now_in_seconds() - launch.submitting > launch.queue_patience)
      co_return Error(Errc::timeout, Cause::unschedulable,
                      "it waited longer than the profile allows");
  }
}

bool BatchSpawner::has_reported(const Launch& launch, const Expected& expected) const {
  if (!launch.socket.empty()) return wormhole_ && wormhole_->reachable(launch.id);
  return expected.port != 0;
}

Task<Result<void>> BatchSpawner::until_reported(Launch& launch,
                                                const Watch& watch,
                                                const std::shared_ptr<Expected>& expected,
                                                Progress& progress) {
  progress.step("listen");
  auto until = steady_clock::now() + seconds(launch.start_patience);
  auto before = steady_clock::now();
  while (!has_reported(launch, *expected)) {
    co_await cluster_->next_look();
    if (watch->ended || watch->gone) {
      auto why = co_await why_ended(launch, watch);
      co_return why;
    }
    const auto now = steady_clock::now();
    const bool paused = watch->job && watch->job->state == Job::State::paused;
    if (paused || cluster_->silent_since()) until += now - before;  // no time of its own passes
    before = now;
    if (!has_reported(launch, *expected) && now > until) {
      const std::string log = co_await log_tail(launch);
      co_return Error(
          Errc::timeout, Cause::start_timeout,
          "job " + launch.job + " runs on " + watch->job->host + " but has not reported")
          .with_log(log);
    }
  }
  co_return Result<void>();
}

Task<Error> BatchSpawner::why_ended(const Launch& launch, const Watch& watch) {
  const Liveness life = co_await liveness_of(launch, watch);
  Error why(Errc::unavailable, life.cause.value_or(Cause::crashed),
            life.detail.empty() ? "the job ended before its server was up" : life.detail);
  why = std::move(why).with_log(life.log_tail);
  if (life.exit_code) why = std::move(why).with_exit_code(*life.exit_code);
  co_return why;
}

Task<Result<void>> BatchSpawner::arrived(std::string launch_id, std::string key, std::string body) {
  const auto found = expected_->find(launch_id);
  if (found == expected_->end()) co_return Error(Errc::unavailable, "not awaited yet; ask again");
  if (wormhole_) co_return Error(Errc::forbidden, "its server comes through the wormhole");
  const std::shared_ptr<Expected> expected = found->second;
  if (!secrets::equal(secrets::sha256_hex(key), expected->key_hash))
    co_return Error(Errc::forbidden, "this is not the key of that launch");
  const json said = json::parse(body, nullptr, false);
  const bool right = said.is_object() && said.size() == 1 && said.contains("port") &&
                     said["port"].is_number_unsigned();
  const std::uint64_t port = right ? said["port"].get<std::uint64_t>() : 0;
  if (port < batch_.first_port || port > batch_.last_port)
    co_return Error(Errc::invalid, "a job reports its port, in the site's range, and nothing else");
  if (expected->port != 0 && expected->port != port)
    co_return Error(Errc::forbidden, "this key is used already");
  expected->port = static_cast<std::uint16_t>(port);
  cluster_->look_soon();  // where it runs is not known yet, perhaps
  cluster_->wake();
  const auto until = steady_clock::now() + seconds(8);
  while (!expected->stored && !expected->closed && steady_clock::now() < until)
    co_await sleep_for(std::chrono::milliseconds(20));
  if (expected->stored) co_return Result<void>();
  co_return Error(Errc::unavailable, "not stored yet; ask again");
}

}  // namespace passerelle::spawners::batch
