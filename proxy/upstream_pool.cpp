#include "proxy/upstream_pool.hpp"

#include <algorithm>
#include <cerrno>

#include "base/log.hpp"
#include "proxy/route_policy.hpp"
#include "proxy/tls.hpp"
#include "proxy/tls_stream.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::size_t kMostIdlePerRoute = 64;
constexpr std::size_t kMostIdle = 1024;  // on one thread: descriptors are for clients
constexpr Millis kIdleLimit = 30'000;
constexpr Millis kConnectLimit = 5'000;

bool is_ours(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == EADDRNOTAVAIL || error == ENOBUFS ||
         error == ENOMEM;
}

}  // namespace

UpstreamLease UpstreamPool::take(const Route& route, bool certain) {
  const auto shelf = shelves_.find(&route);
  if (shelf == shelves_.end()) return nullptr;
  shelf->second.last_used = loop_.now();
  std::vector<UpstreamLease>& idle = shelf->second.idle;
  while (!idle.empty()) {
    UpstreamLease lease = std::move(idle.back());
    idle.pop_back();
    --idle_;
    // Readable between two requests: its end, or bytes nobody asked for.
    const Socket& socket = lease->socket;
    if (socket.ending() || socket.readable()) continue;
    if (certain && !lease->socket.idle_and_alive()) continue;
    lease->reused = true;
    return lease;
  }
  return nullptr;
}

void UpstreamPool::give(const std::shared_ptr<const Route>& route, UpstreamLease connection) {
  Socket& socket = connection->socket;
  if (idle_ >= kMostIdle || route->closed.load(std::memory_order_relaxed)) return;
  if (socket.ending() || (socket.readable() && !socket.idle_and_alive())) return;
  Shelf& shelf = shelves_[route.get()];
  if (shelf.idle.size() >= kMostIdlePerRoute) return;
  if (!shelf.route) shelf.route = route;
  connection->idle_since = shelf.last_used = loop_.now();
  shelf.idle.push_back(std::move(connection));
  ++idle_;
  loop_.keep_ticking();
}

Flow<Connect> UpstreamPool::connect(const Route& route, UpstreamLease& lease) {
  if (!route.policy || route.policy->addresses == nullptr) {
    const Connect only = co_await connect_to(route, route.upstream, lease);
    co_return only;
  }
  Connect last = Connect::refused;  // also for a name that leads nowhere
  const std::vector<Upstream> addresses = route.policy->addresses->get();
  for (const Upstream& address : addresses) {
    last = co_await connect_to(route, address, lease);
    if (last == Connect::ok || last == Connect::stopped) break;
  }
  co_return last;
}

Flow<Connect> UpstreamPool::connect_to(const Route& route,
                                       const Upstream& upstream,
                                       UpstreamLease& lease) {
  const Millis deadline = loop_.now() + kConnectLimit;
  bool pending = false;
  int fd = start_connecting(upstream, pending);
  while (fd < 0 && errno == EAGAIN) {  // a unix socket whose backlog is full: try again in a moment
    if (loop_.now() >= deadline) co_return Connect::timeout;
    Wait moment(loop_, Phase::busy, loop_.now() + 1);
    const Wake wake = co_await moment;
    if (wake != Wake::timeout) co_return Connect::stopped;
    fd = start_connecting(upstream, pending);
  }
  if (fd < 0) co_return is_ours(errno) ? Connect::no_room : Connect::refused;
  lease = std::make_unique<UpstreamConnection>(loop_, fd, pending);
  if (!lease->socket.good()) co_return Connect::refused;
  if (!pending && !route.tls) co_return Connect::ok;
  Wait wait(loop_, Phase::busy, deadline);
  wait.on(lease->socket, kToWrite).cut_by(route.closed);
  const Wake wake = co_await wait;
  if (wake == Wake::timeout) co_return Connect::timeout;
  if (wake != Wake::ready) co_return Connect::stopped;
  if (!lease->socket.connected()) co_return Connect::refused;
  if (!route.tls) co_return Connect::ok;
  const Connect secured = co_await secure(route, *lease, deadline);
  co_return secured;
}

Flow<Connect> UpstreamPool::secure(const Route& route,
                                   UpstreamConnection& connection,
                                   Millis deadline) {
  SSL* const ssl = route.tls->session(route.tls_name);
  if (ssl == nullptr) co_return Connect::refused;
  connection.socket.speak_tls(std::make_unique<TlsStream>(connection.socket, ssl, route.tls));
  TlsStream& tls = *connection.socket.tls();
  for (;;) {
    const Io io = tls.handshake();
    if (io.state == Io::State::ok) co_return Connect::ok;
    if (io.state == Io::State::failed) {
      log::warn("proxy", "no TLS with an upstream",
                {{"route", route.prefix}, {"name", route.tls_name}, {"why", tls.trouble()}});
      co_return Connect::refused;
    }
    Wait wait(loop_, Phase::busy, deadline);
    wait.on(connection.socket, tls.handshake_interest()).cut_by(route.closed);
    const Wake wake = co_await wait;
    if (wake == Wake::timeout) co_return Connect::timeout;
    if (wake != Wake::ready) co_return Connect::stopped;
  }
}

void UpstreamPool::sweep() {
  const Millis now = loop_.now();
  for (auto at = shelves_.begin(); at != shelves_.end();) {
    Shelf& shelf = at->second;
    const bool closed = shelf.route->closed.load(std::memory_order_relaxed);
    const std::size_t gone = std::erase_if(shelf.idle, [&](const UpstreamLease& lease) {
      return closed || lease->socket.ending() || lease->idle_since + kIdleLimit < now;
    });
    idle_ -= gone;
    const bool forgotten = shelf.idle.empty() && (closed || shelf.last_used + kIdleLimit < now);
    at = forgotten ? shelves_.erase(at) : std::next(at);
  }
  if (!shelves_.empty()) loop_.keep_ticking();
}

}  // namespace passerelle::proxy
