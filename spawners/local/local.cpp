#include "spawners/local/local.hpp"

#include <filesystem>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "base/log.hpp"
#include "spawners/local/pidfd.hpp"

namespace passerelle::spawners::local {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAnswerSoon{2000};
constexpr milliseconds kRetry{10};
constexpr milliseconds kSlack{3000};  ///< What a supervisor may need beyond the times it was given

Liveness running_at(const nlohmann::json& status, const Place& place) {
  Liveness alive;
  alive.kind = Liveness::Kind::running;
  if (status.value("event", "") != "listening") return alive;  // not yet: asked again
  Upstream upstream;
  const int port = status.value("port", 0);
  upstream.kind = port == 0 ? Upstream::Kind::unix_socket : Upstream::Kind::tcp;
  upstream.port = static_cast<std::uint16_t>(port);
  upstream.host = status.value("host", "");
  if (port == 0) upstream.path = place.socket();
  alive.upstream = std::move(upstream);
  return alive;
}

/// Neither a supervisor nor an exit record: how it ended will never be known.
Liveness lost(const Remains& remains) {
  Liveness ended;
  ended.kind = Liveness::Kind::ended;
  ended.cause = remains.same_boot ? Cause::crashed : Cause::node_lost;
  ended.log_tail = remains.tail;
  return ended;
}

Task<void> until_readable(asio::posix::stream_descriptor& what, milliseconds limit) {
  const auto wait = [&what]() -> Task<Result<bool>> {
    boost::system::error_code error;
    co_await what.async_wait(asio::posix::stream_descriptor::wait_read,
                             asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  };
  auto waiting = wait();
  const auto ignored = co_await with_timeout(std::move(waiting), limit, "the end");
  (void)ignored;
}

}  // namespace

Liveness liveness_of(const ExitRecord& record) {
  Liveness ended;
  ended.kind = Liveness::Kind::ended;
  ended.exit_code = record.exit_code;
  ended.log_tail = record.tail;
  if (record.stopped || record.exit_code == 0) return ended;
  ended.cause = record.oom_kills != 0 ? Cause::out_of_memory : Cause::crashed;
  return ended;
}

LocalSpawner::LocalSpawner(config::Spawner settings, Surroundings around, std::string supervisor)
    : settings_(std::move(settings)),
      around_(std::move(around)),
      supervisor_(std::move(supervisor)),
      run_(around_.data_dir + "/run") {}

State LocalSpawner::state_of(const Launch& launch) const {
  return nlohmann::json({{"launch_id", launch.id}, {"directory", launch.place.directory}}).dump();
}

/// Only a directory below our own `run` is ever touched, whatever the store says.
Result<LocalSpawner::Launch> LocalSpawner::launch_of(const State& state) const {
  const auto value = nlohmann::json::parse(state, nullptr, false);
  const Error strange(Errc::invalid, Cause::internal, "not a state of this spawner");
  if (!value.is_object() || !value.contains("launch_id") || !value["launch_id"].is_string())
    return strange;
  Launch launch = launch_named(value["launch_id"].get<std::string>());
  if (!is_launch_id(launch.id)) return strange;
  return launch;
}

Task<bool> LocalSpawner::is_supervised(const Place& place) {
  const auto look = [place]() -> Result<bool> { return supervisor_alive(place); };
  const auto alive = co_await around_.workers.run(look);
  co_return !alive || *alive;  // could not tell: never a reason to call it dead
}

Task<Result<Remains>> LocalSpawner::remains_of(const Place& place) {
  const auto look = [place]() -> Result<Remains> { return read_remains(place); };
  auto remains = co_await around_.workers.run(look);
  co_return remains;
}

Task<Result<Liveness>> LocalSpawner::poll(State state) {
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  const bool supervised = co_await is_supervised(launch->place);
  if (supervised) {
    const nlohmann::json question = {{"op", "status"}};
    auto asking = ask(launch->place.control(), question);
    const auto status =
        co_await with_timeout(std::move(asking), kAnswerSoon, "the supervisor's answer");
    if (status) co_return running_at(*status, launch->place);
  }
  auto remains = co_await remains_of(launch->place);
  if (!remains) co_return Liveness();
  if (remains->ended) co_return liveness_of(*remains->ended);
  if (supervised) co_return Liveness();  // it is beginning, ending or stopped itself: unknown
  const bool alive = remains->started && remains->same_boot && hold(remains->started->server);
  if (!alive) co_return lost(*remains);
  Liveness orphan;
  orphan.kind = Liveness::Kind::running;
  co_return orphan;
}

Task<Result<Liveness>> LocalSpawner::wait_for_end(State state) {
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  for (;;) {
    const bool supervised = co_await is_supervised(launch->place);
    if (!supervised) break;
    const nlohmann::json question = {{"op", "wait"}};
    const auto answer = co_await ask(launch->place.control(), question);
    if (answer) {
      const auto record = exit_from_json(*answer);
      if (!record) co_return record.error();
      co_return liveness_of(*record);
    }
    if (answer.error().code() == Errc::cancelled) co_return answer.error();
    co_await sleep_for(kRetry);  // it is beginning or ending
  }
  auto orphan = co_await wait_for_orphan(*launch);
  co_return orphan;
}

/// The supervisor was killed. Its server is watched by pidfd, and what it leaves is ended as a
/// supervisor would.
Task<Result<Liveness>> LocalSpawner::wait_for_orphan(const Launch& launch) {
  const auto executor = co_await asio::this_coro::executor;
  auto remains = co_await remains_of(launch.place);
  if (!remains) co_return remains.error();
  if (remains->ended) co_return liveness_of(*remains->ended);
  Descriptor server;
  if (remains->started && remains->same_boot) server = hold(remains->started->server);
  if (server) {
    asio::posix::stream_descriptor ended(executor, server.release());
    boost::system::error_code error;
    co_await ended.async_wait(asio::posix::stream_descriptor::wait_read,
                              asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return Error(Errc::cancelled, "cancelled");
  }
  const auto sweep = [id = launch.id, left = *remains]() -> Result<bool> {
    return end_remains(id, left, 5000);
  };
  const auto swept = co_await around_.workers.run(sweep);
  if (!swept) co_return swept.error();
  co_return lost(*remains);
}

Task<Result<void>> LocalSpawner::stop(State state, StopMode mode) {
  const auto launch = launch_of(state);
  if (!launch) co_return launch.error();
  const auto& times = settings_.local.stop;
  StopPatience patience{0, 0, times.kill.count() * 1000};
  if (mode == StopMode::gentle) {
    patience.interrupt = times.interrupt.count() * 1000;
    patience.terminate = times.terminate.count() * 1000;
  }
  auto stopped = co_await finish(*launch, patience);
  co_return stopped;
}

Task<Result<void>> LocalSpawner::finish(const Launch& launch, StopPatience patience) {
  auto stopped = co_await stop_processes(launch, patience);
  if (!stopped) co_return stopped;
  const auto clean = [place = launch.place] { return remove_place(place); };
  auto cleaned = co_await around_.workers.run(clean);
  co_return cleaned;
}

/// Through the supervisor if it lives and answers, without it else. Afterwards no process of the
/// launch is left.
Task<Result<void>> LocalSpawner::stop_processes(const Launch& launch, StopPatience patience) {
  const auto times = milliseconds(patience.interrupt + patience.terminate + patience.kill) + kSlack;
  const auto until = steady_clock::now() + times;
  bool supervised = co_await is_supervised(launch.place);
  while (supervised && steady_clock::now() < until) {
    const nlohmann::json request = {{"op", "stop"},
                                    {"interrupt", patience.interrupt},
                                    {"terminate", patience.terminate},
                                    {"kill", patience.kill}};
    auto asking = ask(launch.place.control(), request);
    const auto answer =
        co_await with_timeout(std::move(asking), until - steady_clock::now(), "stopping");
    if (!answer) co_await sleep_for(kRetry);  // its socket is not there yet, or no more
    supervised = co_await is_supervised(launch.place);
  }
  const auto remains = co_await remains_of(launch.place);
  if (!remains) co_return remains.error();
  if (!supervised && remains->ended && remains->ended->left == 0) co_return Result<void>();
  if (supervised)
    log::warn("spawner", "the supervisor does not answer and is killed", {{"launch", launch.id}});
  if (!supervised) co_await end_orphan(*remains, patience);
  const auto sweep = [id = launch.id, left = *remains, patience]() -> Result<void> {
    if (end_remains(id, left, std::max<std::int64_t>(patience.kill, 1000))) return {};
    return Error(Errc::unavailable, Cause::internal, "processes of the server survive SIGKILL");
  };
  auto swept = co_await around_.workers.run(sweep);
  co_return swept;
}

/// INT and TERM for a server whose supervisor is gone; the sweep that follows is the KILL.
Task<void> LocalSpawner::end_orphan(const Remains& remains, const StopPatience& patience) {
  if (!remains.started || !remains.same_boot) co_return;
  Descriptor server = hold(remains.started->server);
  if (!server) co_return;
  const auto executor = co_await asio::this_coro::executor;
  const int held = server.get();
  asio::posix::stream_descriptor ended(executor, server.release());
  const std::pair<int, std::int64_t> steps[] = {{SIGINT, patience.interrupt},
                                                {SIGTERM, patience.terminate}};
  for (const auto& [number, time] : steps) {
    if (time == 0 || ::pidfd_send_signal(held, number, nullptr, 0) != 0) continue;
    co_await until_readable(ended, milliseconds(time));
  }
}

Task<Result<std::vector<std::pair<std::string, State>>>> LocalSpawner::found() {
  using Found = std::vector<std::pair<std::string, State>>;
  const auto list = [this]() -> Result<Found> {
    Found all;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(run_, error)) {
      const std::string id = entry.path().filename().string();
      if (is_launch_id(id)) all.emplace_back(id, state_of(launch_named(id)));
    }
    if (error) return Error(Errc::unavailable, "cannot list " + run_ + ": " + error.message());
    return all;
  };
  auto all = co_await around_.workers.run(list);
  co_return all;
}

}  // namespace passerelle::spawners::local
