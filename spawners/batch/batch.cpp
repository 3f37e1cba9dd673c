#include "spawners/batch/batch.hpp"

#include <filesystem>

#include <boost/asio/ip/tcp.hpp>

#include "base/log.hpp"
#include "base/text.hpp"

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr int kOverByCheckpoint =
    85;  ///< The start script's own exit code: the reserved time was nearly over
constexpr seconds kConnect{3};
constexpr std::int64_t kClocksDiffer = 30;  ///< Seconds, at most, and what OAR takes to act

/// What ended a job, in one sentence; empty when the cause says it all.
std::string sentence_of(const Job& job) {
  switch (job.end) {
    case Job::End::stopped:
      if (job.by == "root" || job.by == "0")
        return "job " + job.id + " was stopped by an administrator";
      return "job " + job.id + " was stopped outside of the gateway" +
             (job.by.empty() ? "" : (is_job_id(job.by) ? " by uid " : " by ") + job.by);
    case Job::End::preempted:
      return "job " + job.id + " was preempted: others needed its place";
    case Job::End::node_lost:
      return "the node of job " + job.id + " was lost";
    case Job::End::failed:
      return job.reason.empty() ? "the batch system ended job " + job.id : job.reason;
    default:
      return {};
  }
}

std::optional<Cause> cause_of(const Job& job) {
  switch (job.end) {
    case Job::End::walltime:
      return Cause::batch_walltime;
    case Job::End::stopped:
    case Job::End::preempted:
    case Job::End::failed:
      return Cause::batch_killed;
    case Job::End::node_lost:
      return Cause::node_lost;
    case Job::End::out_of_memory:
      return Cause::out_of_memory;
    default:
      break;
  }
  if (job.exit_code == kOverByCheckpoint) return Cause::batch_walltime;
  if (job.exit_code.value_or(0) != 0) return Cause::crashed;
  return std::nullopt;
}

}  // namespace

std::int64_t now_in_seconds() {
  return std::chrono::duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Task<Result<std::string>> address_of(std::string host) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  boost::system::error_code error;
  auto found =
      co_await resolver.async_resolve(host, "", asio::redirect_error(asio::use_awaitable, error));
  for (const auto& entry : found) {
    const auto address = entry.endpoint().address();
    const bool link_local = address.is_v4() ? (address.to_v4().to_uint() >> 16U) == 0xA9FEU
                                            : address.to_v6().is_link_local();
    if (address.is_loopback() || address.is_unspecified() || address.is_multicast() || link_local)
      continue;
    co_return address.to_string();
  }
  co_return Error(Errc::unavailable, Cause::node_lost,
                  "the gateway knows no address of the node " + host);
}

BatchSpawner::BatchSpawner(config::Spawner settings,
                           Surroundings around,
                           std::shared_ptr<Cluster> cluster,
                           std::string prefix)
    : settings_(std::move(settings)),
      batch_(settings_.batch ? *settings_.batch : config::BatchSpawner()),
      around_(std::move(around)),
      cluster_(std::move(cluster)),
      prefix_(std::move(prefix)),
      keys_(around_.data_dir + "/batch/" + settings_.name) {
  if (batch_.transport != "wormhole") return;
  const std::weak_ptr<Cluster> waiting = cluster_;
  asio::io_context& loop = around_.loop;
  wormhole_ =
      std::make_unique<Wormhole>(around_.data_dir + "/wormhole/" + mark(), [&loop, waiting] {
        asio::post(loop, [waiting] {
          const auto one = waiting.lock();
          if (!one) return;
          one->look_soon();
          one->wake();
        });
      });
}

/// What tells our jobs, and our entrance, from those of others.
std::string BatchSpawner::mark() const {
  const std::string_view all(prefix_);
  const std::size_t begin = all.find('-') + 1;
  return std::string(all.substr(begin, all.size() - begin - 1));
}

std::optional<Entrance> BatchSpawner::entrance() const {
  if (!wormhole_) return std::nullopt;
  return Entrance{mark(), wormhole_->entrance()};
}

std::vector<Room> BatchSpawner::rooms() {
  std::vector<Room> all;
  for (const Census& one : cluster_->census()) all.push_back({one.name, one.free, one.all});
  return all;
}

/// A server behind the wormhole is there as soon as we listen for it.
Result<void> BatchSpawner::open_way(const Launch& launch) {
  if (launch.socket.empty() || !wormhole_) return {};
  return wormhole_->open(launch.id, launch.key_hash);
}

Launch BatchSpawner::launch_of_job(const Job& job) const {
  Launch launch;
  launch.id = job.name.substr(prefix_.size());
  launch.name = job.name;
  launch.user = job.owner;
  launch.job = job.id;
  return launch;
}

// While a submission may still be under way, on a gateway that was killed meanwhile, nobody can say
// that there is no such job.
Task<Result<Liveness>> BatchSpawner::poll(State state) {
  const auto launch = launch_from(state);
  if (!launch) co_return Error(Errc::invalid, Cause::internal, "not a state of this spawner");
  if (auto open = open_way(*launch); !open) co_return std::move(open).error();
  const Watch watch = cluster_->watch(launch->name, launch->job, launch->user);
  const std::int64_t in_flight = batch_.command_timeout.count() * 2;
  for (int looks = 0; looks < 3; ++looks) {
    co_await cluster_->next_look(true);
    if (cluster_->silent_since()) co_return Liveness();
    if (watch->ended || watch->gone || (watch->job && watch->missing == 0)) break;
  }
  const bool unsure = launch->job.empty() && launch->submitting != 0 &&
                      now_in_seconds() - launch->submitting < in_flight;
  if (watch->gone && unsure) {
    watch->gone = false;
    co_return Liveness();
  }
  if (watch->ended || watch->gone) {
    auto life = co_await liveness_of(*launch, watch);
    co_return life;
  }
  if (watch->missing > 0 || !watch->job) co_return Liveness();
  Liveness alive;
  alive.kind = Liveness::Kind::running;
  alive.upstream = upstream_of(*launch);
  co_return alive;
}

Task<std::string> BatchSpawner::log_tail(const Launch& launch) {
  constexpr std::size_t kLines = 20;
  json order = {{"verb", "log"}, {"launch", launch.id}};
  auto answer = co_await cluster_->act(std::move(order), launch.user);
  if (!answer) co_return std::string();
  const auto lines = text::split(text::trim(answer->out), '\n');
  std::string tail;
  for (std::size_t i = lines.size() > kLines ? lines.size() - kLines : 0; i < lines.size(); ++i)
    tail += std::string(lines[i]) + "\n";
  co_return tail;
}

Task<Liveness> BatchSpawner::liveness_of(const Launch& launch, const Watch& watch) {
  Liveness ended;
  ended.kind = Liveness::Kind::ended;
  if (watch->job && watch->ended) {
    Job job = *watch->job;
    // OAR sends the checkpoint's signal to jobs that yield to others, too; ours then ends by
    // itself.
    const std::int64_t left = launch.ends - now_in_seconds();
    const bool early = launch.ends > 0 && left > 2 * batch_.checkpoint.count() + kClocksDiffer;
    if (early && job.end == Job::End::normal && job.exit_code == kOverByCheckpoint)
      job.end = Job::End::preempted;
    ended.exit_code = job.exit_code;
    ended.cause = cause_of(job);
    ended.detail = sentence_of(job);
  } else {
    ended.cause = Cause::batch_killed;
    ended.detail =
        "the batch system knows nothing of the job" + (launch.job.empty() ? "" : " " + launch.job);
  }
  if (ended.cause) ended.log_tail = co_await log_tail(launch);
  co_return ended;
}

Task<bool> BatchSpawner::answers(const Launch& launch) {
  if (!launch.socket.empty()) co_return wormhole_ && wormhole_->reachable(launch.id);
  const auto executor = co_await asio::this_coro::executor;
  boost::system::error_code error;
  const asio::ip::tcp::endpoint where(asio::ip::make_address(launch.address, error), launch.port);
  if (error) co_return false;
  const auto connect = [executor, where]() -> Task<Result<bool>> {
    boost::system::error_code failed;
    asio::ip::tcp::socket socket(executor);
    co_await socket.async_connect(where, asio::redirect_error(asio::use_awaitable, failed));
    co_return !failed;
  };
  auto connecting = connect();
  const auto connected = co_await with_timeout(std::move(connecting), kConnect, "the connection");
  co_return connected && *connected;
}

Task<Result<Liveness>> BatchSpawner::wait_for_end(State state) {
  const auto launch = launch_from(state);
  if (!launch) co_return Error(Errc::invalid, Cause::internal, "not a state of this spawner");
  const Watch watch = cluster_->watch(launch->name, launch->job, launch->user);
  (*seen_)[launch->id] = Seen();
  struct Leave {
    const std::shared_ptr<SeenMap> all;
    const std::string id;
    ~Leave() { all->erase(id); }
  } leave{seen_, launch->id};
  for (;;) {
    co_await cluster_->next_look();
    if (watch->ended || watch->gone) {
      auto life = co_await liveness_of(*launch, watch);
      co_return life;
    }
    const bool paused = watch->job && watch->job->state == Job::State::paused;
    bool good = true;
    if (!paused && upstream_of(*launch)) good = co_await answers(*launch);
    Seen& seen = (*seen_)[launch->id];
    seen.paused = paused;
    if (good) seen.silent_since.reset();
    if (!good && !seen.silent_since) seen.silent_since = steady_clock::now();
    if (good || steady_clock::now() - *seen.silent_since < batch_.lost_after) continue;
    Liveness lost;
    lost.kind = Liveness::Kind::ended;
    lost.cause = Cause::node_lost;
    lost.detail = "the node " + launch->host + " has not answered for " +
                  std::to_string(batch_.lost_after.count()) + " s";
    co_return lost;
  }
}

// Gently first; what does not end at once is followed in the background, so that its owner may
// start anew.
Task<Result<void>> BatchSpawner::stop(State state, StopMode mode) {
  auto launch = launch_from(state);
  if (!launch) co_return Result<void>();
  const Watch watch = cluster_->watch(launch->name, launch->job, launch->user);
  const bool running = watch->job && watch->job->state == Job::State::running && !watch->ended;
  if (mode == StopMode::gentle && running && !cluster_->silent_since()) {
    json order = {{"verb", "signal"}, {"job", watch->job->id}, {"signal", "TERM"}};
    auto told = co_await cluster_->act(std::move(order), launch->user);
    const auto until = steady_clock::now() + batch_.stop_patience;
    while (told && !watch->ended && !watch->gone && steady_clock::now() < until)
      co_await cluster_->next_look();
  }
  if (launch->submitting != 0 || !launch->job.empty())
    cluster_->bury(launch->name, launch->job.empty() ? watch->id : launch->job, launch->user,
                   launch->id);
  cluster_->look_soon();
  if (wormhole_) wormhole_->close(launch->id);
  std::error_code ignored;
  std::filesystem::remove_all(keys_of(launch->id), ignored);
  co_return Result<void>();
}

Task<Result<std::vector<std::pair<std::string, State>>>> BatchSpawner::found() {
  cluster_->recall();
  auto jobs = co_await cluster_->ours();
  if (!jobs) co_return std::move(jobs).error();
  std::vector<std::pair<std::string, State>> all;
  for (const Job& job : *jobs) {
    const Launch launch = launch_of_job(job);
    all.emplace_back(launch.id, to_state(launch));
  }
  co_return all;
}

Security BatchSpawner::security(const State& state) const {
  const auto launch = launch_from(state);
  if (!launch) return {};
  return {keys_of(launch->id) + "/ca.pem", keys_of(launch->id) + "/client.pem",
          launch->id + ".job.invalid"};
}

Condition BatchSpawner::condition(const State& state) const {
  Condition now;
  const auto launch = launch_from(state);
  if (!launch) return now;
  now.job = launch->job;
  now.node = launch->host;
  now.command = launch->command;
  if (launch->ends > 0) {
    now.ends = Instant(seconds(launch->ends));
    now.ends_soon = launch->ends - now_in_seconds() <= batch_.warning.count();
  }
  const auto seen = seen_->find(launch->id);
  const auto silent = cluster_->silent_since();
  const auto long_ago = [&](const auto& since) {
    return since && steady_clock::now() - *since >= batch_.silent_after / 2;
  };
  if (silent) now.trouble = "scheduler-silent";
  if (seen != seen_->end() && long_ago(seen->second.silent_since)) now.trouble = "node-silent";
  if (seen != seen_->end() && seen->second.paused) now.trouble = "paused";
  return now;
}

}  // namespace passerelle::spawners::batch
