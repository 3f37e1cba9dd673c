#include "spawners/local/supervisor/supervisor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/files.hpp"
#include "base/process.hpp"
#include "spawners/local/supervisor/listeners.hpp"
#include "spawners/local/tree.hpp"

namespace passerelle::spawners::local {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstLook{4};
constexpr milliseconds kLastLook{1000};
constexpr milliseconds kSweep{5};

Descriptor watch_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE})
    ::sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::sigdelset(&set, SIGPIPE);
  return Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::string secret_of(const Order& order) {
  const auto found = order.environment.find("PASSERELLE_SECRET");
  return found == order.environment.end() ? std::string() : found->second;
}

std::int64_t bounded(const json& request, const char* name, std::int64_t otherwise) {
  constexpr std::int64_t kHour = 3'600'000;
  const auto found = request.find(name);
  if (found == request.end() || !found->is_number_integer()) return otherwise;
  return std::clamp<std::int64_t>(found->get<std::int64_t>(), 0, kHour);
}

}  // namespace

Supervisor::Supervisor(Order order, Descriptor gateway)
    : order_(std::move(order)),
      place_{order_.directory},
      gateway_(std::move(gateway)),
      log_(place_.log(), secret_of(order_)),
      port_(order_.port),
      began_(steady_clock::now()),
      look_at_(began_ + kFirstLook) {}

Result<void> Supervisor::run() {
  auto begun = begin();
  if (!begun) {
    // Nobody has a started record then, so nothing runs; the gateway is told why.
    const Cause cause = begun.error().cause().value_or(Cause::storage_pending);
    clients_.tell(
        {{"event", "failed"}, {"cause", to_string(cause)}, {"message", begun.error().message()}});
    if (child_.pid > 0) {
      ::kill(child_.pid, SIGKILL);
      ::waitpid(child_.pid, nullptr, 0);
    }
    cgroup_.remove();
    clients_.flush();
    return begun;
  }
  serve_until_end();
  finish();
  return {};
}

/// Everything that can fail comes before the server's program runs: signals, socket, cgroup,
/// record, and only then go.
Result<void> Supervisor::begin() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  signals_ = watch_signals();
  auto clients = Clients::open(place_.control());
  if (clients) clients_ = std::move(*clients);
  clients_.add_watcher(std::move(gateway_));
  if (!clients) return clients.error();
  if (!order_.socket.empty()) ::unlink(order_.socket.c_str());
  cgroup_ = Cgroup::make("passerelle-" + order_.launch_id, order_.limits, started_.not_limited);
  auto child = fork_child(order_);
  if (!child) return child.error();
  child_ = std::move(*child);
  cgroup_.add(child_.pid);
  if (auto written = write_started(); !written) return written;
  server_alive_ = true;
  const ExecOutcome outcome = let_go(child_, order_);
  ended_.executed = outcome.executed;
  if (!outcome.executed) log_.append(outcome.sentence + "\n");
  clients_.tell(
      {{"event", "started"}, {"cgroup", cgroup_.kind()}, {"not_limited", started_.not_limited}});
  return {};
}

Result<void> Supervisor::write_started() {
  started_.boot_id = process::boot_id();
  started_.supervisor = {::getpid(), process::start_time(::getpid()).value_or(0)};
  started_.server = {child_.pid, process::start_time(child_.pid).value_or(0)};
  started_.cgroup_kind = cgroup_.kind();
  started_.cgroup_paths = cgroup_.paths();
  return files::write_durable(place_.started(), encode(started_), 0600);
}

void Supervisor::serve_until_end() {
  const Clients::OnRequest answer = [this](Clients::Client& client, const json& request) {
    on_request(client, request);
  };
  constexpr std::size_t kFirstClient = 2;
  std::vector<pollfd> polled;
  while (server_alive_) {
    polled.assign({{signals_.get(), POLLIN, 0}, {child_.output.get(), POLLIN, 0}});
    clients_.append_to(polled);
    ::poll(polled.data(), polled.size(), milliseconds_to_next(steady_clock::now()));
    if (polled[1].revents != 0) on_output();
    if (polled[0].revents != 0) on_signals();
    clients_.serve(polled, kFirstClient, answer);
    if (steady_clock::now() >= signal_at_) next_signal();
    if (!listening_ && steady_clock::now() >= look_at_) look_for_listener();
  }
}

int Supervisor::milliseconds_to_next(Moment now) const {
  const Moment next = listening_ ? signal_at_ : std::min(signal_at_, look_at_);
  if (next == Moment::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Supervisor::on_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    // The machine goes down, or an administrator wants us gone: the server ends first.
    if (info.ssi_signo == SIGTERM) begin_stop(order_.stop);
  }
  reap();
}

void Supervisor::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (pid != child_.pid) continue;  // an orphan that came to us
    server_alive_ = false;
    ended_.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

void Supervisor::on_output() {
  std::array<char, 16384> buffer{};
  const ssize_t got = ::read(child_.output.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    child_.output.reset();  // a daemon that closed its output; poll ignores -1
    return;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  log_.append(bytes);
  if (!listening_)
    clients_.tell({{"event", "log"}, {"lines", log_.without_secret(std::string(bytes))}});
}

void Supervisor::on_request(Clients::Client& client, const json& request) {
  const auto found = request.find("op");
  const std::string op =
      found != request.end() && found->is_string() ? found->get<std::string>() : "";
  if (op == "status") return Clients::send(client, status());
  if (op == "watch") {
    client.wants = Clients::Wants::events;
    if (listening_) Clients::send(client, status());
    return;
  }
  client.dropped = op != "wait" && op != "stop";
  client.wants = Clients::Wants::end;
  if (op != "stop") return;
  begin_stop({bounded(request, "interrupt", order_.stop.interrupt),
              bounded(request, "terminate", order_.stop.terminate),
              bounded(request, "kill", order_.stop.kill)});
}

json Supervisor::status() const {
  const auto counts = cgroup_.counts();
  json answer = {{"event", listening_ ? "listening" : "waiting"},
                 {"pid", child_.pid},
                 {"host", host_},
                 {"port", port_},
                 {"oom_kills", counts.oom_kills},
                 {"pids_limit_hits", counts.pids_limit_hits},
                 {"tail", log_.tail()}};
  if (listening_) return answer;
  json ports = json::array();
  for (const auto& listener : tcp_listeners(processes(), 0).ours) ports.push_back(listener.port);
  answer["ports"] = ports;
  return answer;
}

/// Each look waits a little longer than the one before: a tenth of the time since the start.
void Supervisor::look_for_listener() {
  const auto now = steady_clock::now();
  const auto tenth = std::chrono::duration_cast<milliseconds>((now - began_) / 10);
  look_at_ = now + std::clamp(tenth, kFirstLook, kLastLook);
  if (!order_.socket.empty()) {
    if (::access(order_.socket.c_str(), F_OK) != 0) return;
    listening_ = listens_on_socket(order_.socket, processes());
  } else {
    const Listening seen = tcp_listeners(processes(), port_);
    if (seen.stranger_on_port) return tell_taken();
    const auto ours =
        std::find_if(seen.ours.begin(), seen.ours.end(),
                     [this](const Listener& listener) { return listener.port == port_; });
    listening_ = ours != seen.ours.end();
    if (listening_) host_ = ours->host;
  }
  if (listening_) clients_.tell(status());
}

void Supervisor::tell_taken() {
  if (!taken_told_) clients_.tell({{"event", "taken"}, {"port", port_}});
  taken_told_ = true;
}

/// A second stop may only hurry: it never gives back time.
void Supervisor::begin_stop(StopPatience patience) {
  ended_.stopped = true;
  if (last_signal_ == Signal::none) {
    patience_ = patience;
    return next_signal();
  }
  patience_.interrupt = std::min(patience_.interrupt, patience.interrupt);
  patience_.terminate = std::min(patience_.terminate, patience.terminate);
  const auto left = last_signal_ == Signal::interrupt   ? patience_.interrupt
                    : last_signal_ == Signal::terminate ? patience_.terminate
                                                        : std::int64_t{-1};
  if (left >= 0) signal_at_ = std::min(signal_at_, steady_clock::now() + milliseconds(left));
}

void Supervisor::next_signal() {
  const auto signal_group = [this](int number) { ::kill(-child_.pid, number); };
  if (last_signal_ == Signal::none && patience_.interrupt > 0) {
    last_signal_ = Signal::interrupt;
    signal_at_ = steady_clock::now() + milliseconds(patience_.interrupt);
    return signal_group(SIGINT);
  }
  if (last_signal_ < Signal::terminate && patience_.terminate > 0) {
    last_signal_ = Signal::terminate;
    signal_at_ = steady_clock::now() + milliseconds(patience_.terminate);
    return signal_group(SIGTERM);
  }
  last_signal_ = Signal::kill;
  signal_at_ = Moment::max();
  ::kill(child_.pid, SIGKILL);
  signal_group(SIGKILL);
}

std::vector<pid_t> Supervisor::processes() const {
  auto found = descendants(::getpid());
  for (const pid_t pid : cgroup_.members())
    if (std::find(found.begin(), found.end(), pid) == found.end()) found.push_back(pid);
  return found;
}

/// Kernels, terminals, daemons: whatever the server started comes to us when its parent dies, so a
/// killed round may bring new ones up; it is repeated until nobody is left or the patience is over.
void Supervisor::end_descendants() {
  const Moment until =
      steady_clock::now() + milliseconds(std::max<std::int64_t>(patience_.kill, 1000));
  for (;;) {
    cgroup_.kill();
    const auto left = processes();
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    reap();
    ended_.left = static_cast<std::uint32_t>(processes().size());
    if (ended_.left == 0 || steady_clock::now() >= until) return;
    std::this_thread::sleep_for(kSweep);
  }
}

void Supervisor::finish() {
  const auto counts = cgroup_.counts();
  ended_.oom_kills = counts.oom_kills;
  ended_.pids_limit_hits = counts.pids_limit_hits;
  // A server that ended because its port was taken ends like any other; whoever started it may try
  // again.
  if (!listening_ && port_ != 0 && tcp_listeners({}, port_).stranger_on_port) tell_taken();
  end_descendants();
  for (int more = 0; more < 16 && child_.output; ++more) on_output();
  ended_.tail = log_.tail();
  for (int attempt = 0; attempt < 100 && !cgroup_.remove() && ended_.left == 0; ++attempt)
    std::this_thread::sleep_for(
        kSweep);  // a dead member leaves its group a moment after it was reaped
  // A full disk cannot keep the gateway from learning how it ended: those who wait are told in any
  // case.
  const auto written = files::write_durable(place_.ended(), encode(ended_), 0600);
  json record = to_json(ended_);
  record["event"] = "ended";
  record["recorded"] = written.has_value();
  clients_.tell_end(record);
  clients_.flush();
  ::unlink(place_.control().c_str());
}

}  // namespace passerelle::spawners::local
