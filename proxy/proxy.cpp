#include "proxy/proxy.hpp"

#include <algorithm>
#include <csignal>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/log.hpp"
#include "base/secrets.hpp"
#include "proxy/blocks.hpp"
#include "proxy/lane.hpp"
#include "proxy/listener.hpp"
#include "proxy/shedding.hpp"

namespace passerelle::proxy {

namespace {

/// For the calling thread: a splice to a peer that has gone has no other way to keep silent.
void block_sigpipe() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// Those that were bound for this endpoint: by the same words of the configuration, or by the same
/// port. They are then no longer in `inherited`.
std::vector<int> take_for(const Endpoint& endpoint, std::vector<ListeningSockets>& inherited) {
  for (ListeningSockets& had : inherited) {
    const bool same_port = had.wanted == endpoint.port || had.bound == endpoint.port;
    if (had.address == endpoint.address && same_port) return std::exchange(had.fds, {});
  }
  return {};
}

}  // namespace

/// One lane and the thread that runs it.
class Proxy::Thread {
 public:
  Thread(Shared& shared, std::unique_ptr<Loop> loop) : lane_(shared, std::move(loop)) {
    lane_.loop->on_tick([this] { tick(); });
  }
  ~Thread() { join(); }

  /// Before start().
  void listen(int fd, const Endpoint& endpoint) {
    listeners_.push_back(std::make_unique<Listener>(lane_, fd, endpoint));
  }
  void start() {
    thread_ = std::thread([this] { run(); });
  }
  /// Any thread, once.
  void stop(Millis drain) { lane_.loop->mailbox()->post(std::make_shared<Stop>(*this, drain)); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  // On the thread itself.
  void hold() noexcept {
    for (const auto& listener : listeners_) listener->hold();
    lane_.duty = Duty::holding;
  }
  void go_on() noexcept {
    lane_.duty = Duty::serving;
    for (const auto& listener : listeners_) listener->go_on();
    lane_.loop->wake_idle(Wake::ready);
  }
  void hand_over(const RelayRoutes& successor) noexcept {
    for (const auto& listener : listeners_) listener->close();
    lane_.successor = successor;
    lane_.draining = true;
    lane_.duty = Duty::relaying;
    lane_.loop->wake_idle(Wake::ready);
  }

  /// Any thread: `order` is carried out on this one, and `done` counted down then, or when nobody
  /// runs here any more.
  void tell(std::function<void(Thread&)> order, std::latch& done) {
    lane_.loop->mailbox()->post(std::make_shared<Told>(*this, std::move(order), done));
  }
  const Counts& counts() const noexcept { return lane_.counts; }
  /// Any thread.
  void ask(std::shared_ptr<Survey> survey) const {
    lane_.loop->mailbox()->post(Survey::letter(std::move(survey), lane_));
  }

 private:
  struct Stop final : Letter {
    Stop(Thread& its_thread, Millis its_drain) : thread(its_thread), drain(its_drain) {}
    void open() noexcept override { thread.begin_stop(drain); }
    Thread& thread;
    Millis drain;
  };

  struct Told final : Letter {
    Told(Thread& its_thread, std::function<void(Thread&)> its_order, std::latch& its_done)
        : thread(its_thread), order(std::move(its_order)), done(its_done) {}
    ~Told() override { done.count_down(); }
    void open() noexcept override { order(thread); }
    Thread& thread;
    const std::function<void(Thread&)> order;
    std::latch& done;
  };

  void run() {
    block_sigpipe();
    lane_.loop->run();
    lane_.pool.clear();
    lane_.pipes.clear();
    lane_.log.flush();
    lane_.loop->mailbox()->close();
  }

  void tick() {
    for (const auto& listener : listeners_) listener->resume();
    lane_.pool.sweep();
    lane_.pipes.sweep();
    lane_.log.flush();
    if (trim_blocks()) lane_.loop->keep_ticking();
    shed(lane_);
    if (lane_.draining) go_on_stopping();
  }

  void begin_stop(Millis drain) noexcept {
    for (const auto& listener : listeners_) listener->accept_last();
    lane_.draining = true;
    lane_.duty = Duty::serving;
    cut_at_ = lane_.loop->now() + drain;
    lane_.loop->wake_idle(Wake::stop);
    go_on_stopping();
  }

  // Who has served its last request leaves by itself; the rest is woken when the time is over, and
  // again until it has understood.
  void go_on_stopping() noexcept {
    if (lane_.loop->now() >= cut_at_) lane_.loop->wake_all(Wake::stop);
    if (lane_.connections == 0) return lane_.loop->finish();
    lane_.loop->keep_ticking();
  }

  Lane lane_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Millis cut_at_ = kNever;
  std::thread thread_;
};

struct Proxy::State {
  State(ProxySettings settings, Gate& gate, Hub& hub)
      : shared{std::move(settings), {}, {}, gate, hub, {0}} {}

  Result<void> make_threads();
  Result<void> listen(const Endpoint& endpoint, std::vector<int> fds);
  void each(const std::function<void(Thread&)>& order);

  Shared shared;
  std::vector<ListeningSockets> sockets;  ///< Of each endpoint; the listeners own them.
  bool handed_over = false;
  std::vector<std::unique_ptr<Thread>> threads;
};

Result<void> Proxy::State::make_threads() {
  const std::uint32_t wanted = shared.settings.limits.threads;
  const std::uint32_t count =
      wanted != 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
  shared.lanes = count;
  for (std::uint32_t at = 0; at < count; ++at) {
    Result<std::unique_ptr<Loop>> loop = Loop::make();
    if (!loop) return std::move(loop).error();
    threads.push_back(std::make_unique<Thread>(shared, std::move(*loop)));
  }
  return {};
}

/// One socket for each thread; on a Unix socket, whose path is bound once, one for all. `fds` were
/// inherited: clients may wait on each of them, so that a thread may get several.
Result<void> Proxy::State::listen(const Endpoint& endpoint, std::vector<int> fds) {
  const std::size_t inherited = fds.size();
  if (auto free = Listener::check_free(endpoint); inherited == 0 && !free) return free;
  ListeningSockets listening{endpoint.address, endpoint.port, endpoint.port, std::move(fds)};
  if (inherited != 0) listening.bound = Listener::port_of(listening.fds.front());
  for (std::size_t at = 0; at < inherited; ++at)
    threads[at % threads.size()]->listen(listening.fds[at], endpoint);
  for (std::size_t at = inherited; at < threads.size(); ++at) {
    Result<int> fd = endpoint.is_unix() && at > 0
                         ? Result<int>(fcntl(listening.fds.front(), F_DUPFD_CLOEXEC, 0))
                         : Listener::bind(endpoint, listening.bound);
    if (!fd) return fd.error();
    if (*fd < 0) return Error(Errc::exhausted, "listen: no descriptor is left");
    listening.bound = Listener::port_of(*fd);
    listening.fds.push_back(*fd);
    threads[at]->listen(*fd, endpoint);
  }
  sockets.push_back(std::move(listening));
  return {};
}

void Proxy::State::each(const std::function<void(Thread&)>& order) {
  std::latch done(static_cast<std::ptrdiff_t>(threads.size()));
  for (const auto& thread : threads) thread->tell(order, done);
  done.wait();
}

Proxy::Proxy(ProxySettings settings, Gate& gate, Hub& hub)
    : state_(std::make_unique<State>(std::move(settings), gate, hub)) {}

Proxy::~Proxy() {
  stop(seconds(0));
}

Result<void> Proxy::open(std::vector<ListeningSockets> inherited) {
  Shared& shared = state_->shared;
  Result<TrustedProxies> trusted = TrustedProxies::parse(shared.settings.trusted_proxies);
  if (!trusted) return std::move(trusted).error();
  shared.trusted = std::move(*trusted);
  Result<TrustedProxies> senders = TrustedProxies::parse(shared.settings.proxy_protocol);
  if (!senders) return std::move(senders).error();
  shared.proxy_senders = std::move(*senders);
  shared.own_cookies.assign(shared.settings.own_cookies.begin(), shared.settings.own_cookies.end());
  if (shared.settings.via.empty()) shared.settings.via = "passerelle-" + secrets::random_hex(4);
  shared.rules = RequestRules(shared.settings.hosts, shared.settings.via);
  Result<void> ready = state_->make_threads();
  for (const Endpoint& endpoint : shared.settings.endpoints)
    if (ready) ready = state_->listen(endpoint, take_for(endpoint, inherited));
  for (const ListeningSockets& unwanted : inherited)
    for (const int fd : unwanted.fds) close(fd);
  if (!ready) state_->threads.clear();
  return ready;
}

Result<void> Proxy::start() {
  Result<void> ready;
  if (state_->threads.empty()) ready = open({});
  for (const auto& thread : state_->threads) thread->start();
  return ready;
}

void Proxy::hold() {
  state_->each([](Thread& thread) { thread.hold(); });
}

void Proxy::go_on() {
  state_->each([](Thread& thread) { thread.go_on(); });
}

void Proxy::hand_over(RelayRoutes successor) {
  state_->handed_over = true;
  state_->each([&successor](Thread& thread) { thread.hand_over(successor); });
}

std::vector<ListeningSockets> Proxy::sockets() const {
  return state_->sockets;
}

std::uint16_t Proxy::port(std::size_t endpoint) const noexcept {
  return endpoint < state_->sockets.size() ? state_->sockets[endpoint].bound : std::uint16_t{0};
}

void Proxy::stop(seconds drain) {
  for (const auto& thread : state_->threads) thread->stop(millis(drain));
  for (const auto& thread : state_->threads) thread->join();
  for (const Endpoint& endpoint : state_->shared.settings.endpoints)
    if (endpoint.is_unix() && !state_->threads.empty() && !state_->handed_over)
      unlink(endpoint.address.c_str());
}

Counters Proxy::counters() const {
  Counters sum;
  sum.connections = state_->shared.connections.load(std::memory_order_relaxed);
  for (const auto& thread : state_->threads) {
    const Counts& counts = thread->counts();
    sum.accepted += counts.accepted.value();
    sum.turned_away += counts.turned_away.value();
    sum.requests += counts.requests.value();
    sum.refused_heads += counts.refused_heads.value();
    sum.to_hub += counts.to_hub.value();
    sum.forwarded += counts.forwarded.value();
    sum.upstream_connects += counts.upstream_connects.value();
    sum.upstream_reuses += counts.upstream_reuses.value();
    sum.upstream_failures += counts.upstream_failures.value();
    sum.retries += counts.retries.value();
    sum.tls_handshakes += counts.tls_handshakes.value();
    sum.tls_resumed += counts.tls_resumed.value();
    sum.tls_failed += counts.tls_failed.value();
    sum.tunnels_opened += counts.tunnels_opened.value();
    sum.tunnels += counts.tunnels.value();
    sum.bytes_in += counts.bytes_in.value();
    sum.bytes_out += counts.bytes_out.value();
    sum.crowded_addresses += counts.crowded_addresses.value();
    sum.shed += counts.shed.value();
    sum.too_slow += counts.too_slow.value();
    sum.kept += counts.kept.value();
    counts.answers.add_to(sum.answers);
    counts.durations.add_to(sum.durations);
  }
  return sum;
}

void Proxy::survey(std::size_t most, Survey::Done done) const {
  const auto survey = std::make_shared<Survey>(most, std::move(done));
  for (const auto& thread : state_->threads) thread->ask(survey);
}

}  // namespace passerelle::proxy
