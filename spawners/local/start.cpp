// A server's way up: prepare, remember, spawn the supervisor, watch until the right process listens
// at the right address. Everything that was made is undone by start_or_undo(), whatever ends the
// attempt.
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/system_error.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.hpp"
#include "spawners/jupyter.hpp"
#include "spawners/local/local.hpp"
#include "spawners/local/pidfd.hpp"

namespace passerelle::spawners::local {
namespace {

using std::chrono::steady_clock;

constexpr int kPortAttempts = 4;

/// The supervisor is our child until one of us ends: its status is taken when it does, so that no
/// zombie stays.
Task<void> reap(pid_t pid) {
  const auto executor = co_await asio::this_coro::executor;
  asio::posix::stream_descriptor ended(executor);
  boost::system::error_code error;
  ended.assign(::pidfd_open(pid, 0), error);
  if (!error) {
    co_await ended.async_wait(asio::posix::stream_descriptor::wait_read,
                              asio::redirect_error(asio::use_awaitable, error));
  }
  ::waitpid(pid, nullptr, error ? WNOHANG : 0);
}

Error ended_early(const ExitRecord& record) {
  const std::string code = std::to_string(record.exit_code);
  const std::string last = record.tail.substr(record.tail.rfind('\n') + 1);
  const bool memory = record.oom_kills != 0 && record.exit_code != 0;
  std::string sentence =
      !record.executed ? last
      : memory         ? "the server used more memory than it may and was ended before it listened"
                       : "the server ended with exit code " + code + " before it listened";
  Error error(Errc::unavailable, memory ? Cause::out_of_memory : Cause::crashed,
              std::move(sentence));
  return std::move(error).with_log(record.tail).with_exit_code(record.exit_code);
}

Error supervisor_lost() {
  return Error(Errc::unavailable, Cause::spawner_down, "the supervisor ended without a word");
}

std::string text_in(const nlohmann::json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

/// In a coroutine thread of its own: cancelling the caller reaches it, but it can end what it began
/// before it returns.
Task<Result<Started>> LocalSpawner::start(ServerSpec spec, Progress& progress) {
  const auto executor = co_await asio::this_coro::executor;
  auto body = start_or_undo(std::move(spec), progress);
  auto started = co_await asio::co_spawn(executor, std::move(body), asio::use_awaitable);
  co_return started;
}

Task<Result<Started>> LocalSpawner::start_or_undo(ServerSpec spec, Progress& progress) {
  if (!is_launch_id(spec.launch_id))
    co_return Error(Errc::invalid, Cause::internal, "not a launch id");
  const Launch launch = launch_named(spec.launch_id);
  Result<Started> outcome = Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  try {
    outcome = co_await try_start(spec, launch, progress);
  } catch (const boost::system::system_error&) {
    // Cancelled: Asio says so by throwing at the next co_await.
  }
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  const bool cancelled = cancellation.cancelled() != asio::cancellation_type::none;
  if (outcome && !cancelled) co_return outcome;
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (cancelled) outcome = Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  // A launch id that exists already is someone's: it is not ours to undo.
  if (outcome.error().code() == Errc::conflict) co_return outcome;
  const StopPatience at_once{0, 0, settings_.local.stop.kill.count() * 1000};
  const auto undone = co_await finish(launch, at_once);
  if (!undone)
    log::error("spawner", "a failed start left something",
               {{"launch", launch.id}, {"why", undone.error().message()}});
  co_return outcome;
}

Task<Result<Started>> LocalSpawner::try_start(const ServerSpec& spec,
                                              const Launch& launch,
                                              Progress& progress) {
  progress.step("prepare");
  const auto find_account = [this, username = spec.username] {
    return account_for(settings_.local, username, around_.data_dir);
  };
  const auto account = co_await around_.workers.run(find_account);
  if (!account) co_return account.error();
  // Whatever happens from here on, a restarted hub knows where to look.
  State state = state_of(launch);
  const auto remembered = co_await progress.remember(state);
  if (!remembered) co_return remembered.error();
  const auto make = [place = launch.place, owner = account->run_as] {
    return make_place(place, owner);
  };
  const auto made = co_await around_.workers.run(make);
  if (!made) co_return made.error();
  const auto until = steady_clock::now() + spec.start_timeout;
  progress.step("spawn");
  for (int tried = 1;; ++tried) {
    const auto order = order_for(spec, launch, *account);
    if (!order) co_return order.error();
    auto running = attempt(*order, launch, progress);
    const auto outcome = co_await with_deadline(std::move(running), until, launch, *order);
    if (!outcome) co_return outcome.error();
    if (outcome->kind == Outcome::Kind::ended) co_return ended_early(outcome->record);
    if (outcome->kind == Outcome::Kind::listening) {
      Upstream upstream;
      upstream.kind = order->socket.empty() ? Upstream::Kind::tcp : Upstream::Kind::unix_socket;
      upstream.host = outcome->host;
      upstream.port = order->port;
      upstream.path = order->socket;
      co_return Started{std::move(upstream), std::move(state)};
    }
    if (tried == kPortAttempts) {
      co_return Error(Errc::unavailable, Cause::not_answering,
                      "somebody else listens on port " + std::to_string(order->port) +
                          ", and on each one tried before");
    }
    const auto cleared = co_await clear_for_retry(launch);
    if (!cleared) co_return cleared.error();
  }
}

/// Another process took the port: the server that could not have it goes, the directory stays.
Task<Result<void>> LocalSpawner::clear_for_retry(const Launch& launch) {
  const StopPatience at_once{0, 0, settings_.local.stop.kill.count() * 1000};
  const auto stopped = co_await stop_processes(launch, at_once);
  if (!stopped) co_return stopped.error();
  const auto forget = [place = launch.place]() -> Result<void> {
    ::unlink(place.started().c_str());
    ::unlink(place.ended().c_str());
    return {};
  };
  const auto forgotten = co_await around_.workers.run(forget);
  co_return forgotten;
}

Task<Result<LocalSpawner::Outcome>> LocalSpawner::attempt(const Order& order,
                                                          const Launch& launch,
                                                          Progress& progress) {
  const auto executor = co_await asio::this_coro::executor;
  const auto spawn = [program = supervisor_, launch] {
    return spawn_supervisor(program, launch.id, launch.place);
  };
  auto spawned = co_await around_.workers.run(spawn);
  if (!spawned) co_return spawned.error();
  asio::co_spawn(around_.loop, reap(spawned->pid), asio::detached);
  Line line(executor);
  const auto adopted = line.adopt(std::move(spawned->socket));
  if (!adopted) co_return adopted.error();
  std::string text = encode(order);
  const auto sent = co_await line.send(std::move(text));
  if (!sent) co_return supervisor_lost();
  progress.step("listen");
  for (;;) {
    const auto event = co_await line.next();
    if (!event)
      co_return event.error().code() == Errc::cancelled ? event.error() : supervisor_lost();
    auto outcome = outcome_of(*event, launch, progress);
    if (!outcome) co_return outcome.error();
    if (*outcome) co_return std::move(**outcome);
  }
}

/// Nothing when the event decides nothing.
Result<std::optional<LocalSpawner::Outcome>> LocalSpawner::outcome_of(const nlohmann::json& event,
                                                                      const Launch& launch,
                                                                      Progress& progress) {
  const std::string kind = text_in(event, "event");
  if (kind == "log") progress.log(text_in(event, "lines"));
  if (kind == "failed") {
    const Cause cause = cause_from_string(text_in(event, "cause")).value_or(Cause::spawner_down);
    return Error(Errc::unavailable, cause, "supervisor: " + text_in(event, "message"));
  }
  if (kind == "started" && event.contains("not_limited") && !event["not_limited"].empty()) {
    log::warn("spawner", "limits could not be set",
              {{"launch", launch.id},
               {"limits", event["not_limited"].dump()},
               {"cgroup", text_in(event, "cgroup")}});
  }
  Outcome outcome;
  if (kind == "listening") {
    outcome.kind = Outcome::Kind::listening;
    outcome.host = text_in(event, "host");
    return std::optional(std::move(outcome));
  }
  if (kind == "taken") {
    outcome.kind = Outcome::Kind::port_taken;
    return std::optional(std::move(outcome));
  }
  if (kind != "ended") return std::optional<Outcome>();
  auto record = exit_from_json(event);
  if (!record) return record.error();
  outcome.record = std::move(*record);
  return std::optional(std::move(outcome));
}

Task<Result<LocalSpawner::Outcome>> LocalSpawner::with_deadline(Task<Result<Outcome>> running,
                                                                steady_clock::time_point until,
                                                                const Launch& launch,
                                                                const Order& order) {
  auto outcome =
      co_await with_timeout(std::move(running), until - steady_clock::now(), "the start");
  if (outcome || outcome.error().code() != Errc::timeout) co_return outcome;
  auto silence = co_await why_silent(launch, order);
  co_return silence;
}

/// The time is up. If it listens somewhere else, that is what has to be put right.
Task<Error> LocalSpawner::why_silent(const Launch& launch, const Order& order) {
  constexpr seconds kPatience{2};
  const nlohmann::json question = {{"op", "status"}};
  auto asking = ask(launch.place.control(), question);
  const auto status =
      co_await with_timeout(std::move(asking), kPatience, "the supervisor's answer");
  const std::string tail = status ? text_in(*status, "tail") : std::string();
  const std::string meant =
      order.socket.empty() ? "port " + std::to_string(order.port) : "its socket";
  std::string ports;
  if (status && status->contains("ports"))
    for (const auto& port : (*status)["ports"]) ports += (ports.empty() ? "" : ", ") + port.dump();
  if (!ports.empty()) {
    Error error(Errc::timeout, Cause::not_answering,
                "the server listens on port " + ports + " instead of " + meant);
    co_return std::move(error).with_log(tail);
  }
  Error error(Errc::timeout, Cause::start_timeout,
              "the server did not listen on " + meant + " in time");
  co_return std::move(error).with_log(tail);
}

ResourceLimits LocalSpawner::limits_for(const config::Profile& profile) const {
  const auto& general = settings_.local;
  ResourceLimits limits;
  limits.memory = profile.memory != 0 ? profile.memory : general.memory;
  limits.cpu = profile.cpu > 0 ? profile.cpu : general.cpu;
  limits.pids = profile.pids != 0 ? profile.pids : general.pids;
  return limits;
}

Result<Order> LocalSpawner::order_for(const ServerSpec& spec,
                                      const Launch& launch,
                                      const Account& account) const {
  Order order;
  order.launch_id = launch.id;
  order.directory = launch.place.directory;
  order.workspace = account.workspace;
  order.run_as = account.run_as;
  order.limits = limits_for(spec.profile);
  const auto& stop = settings_.local.stop;
  order.stop = {stop.interrupt.count() * 1000, stop.terminate.count() * 1000,
                stop.kill.count() * 1000};
  if (spec.profile.transport == config::Transport::tcp) {
    auto port = pick_port();
    if (!port) return port.error();
    order.port = *port;
  } else {
    order.socket = launch.place.socket();
  }
  const Surrounding place{account.name,      account.home,          account.shell,
                          account.workspace, launch.place.server(), order.socket,
                          order.port,        order.limits.memory,   order.limits.cpu};
  auto environment = environment_for(spec, place);
  if (!environment) return environment.error();
  order.environment = std::move(*environment);
  auto command = fill_in(spec.profile.command, placeholders(spec, place));
  if (!command) return command.error();
  if (command->empty())
    return Error(Errc::invalid, Cause::values_invalid, "the profile has no command");
  for (auto& option : jupyter_options(*command, spec.base_path, place, account.uid == 0))
    command->push_back(option);
  order.command = std::move(*command);
  return order;
}

}  // namespace passerelle::spawners::local
