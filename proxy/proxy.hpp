// Proxy: the data plane as a whole. Owns the threads, their lanes and listening sockets; starts and
// stops them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "proxy/durations.hpp"
#include "proxy/gate.hpp"
#include "proxy/proxy_settings.hpp"
#include "proxy/relay.hpp"
#include "proxy/survey.hpp"

namespace passerelle::proxy {

/// Sums over all proxy threads since the start; `connections` and `tunnels` are open now.
struct Counters {
  std::uint64_t accepted = 0, turned_away = 0, connections = 0;
  std::uint64_t requests = 0, refused_heads = 0, to_hub = 0, forwarded = 0;
  std::uint64_t upstream_connects = 0, upstream_reuses = 0, upstream_failures = 0, retries = 0;
  std::uint64_t tls_handshakes = 0, tls_resumed = 0, tls_failed = 0;
  std::uint64_t tunnels_opened = 0, tunnels = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t crowded_addresses = 0, shed = 0, too_slow = 0;  ///< See Counts (lane.hpp).
  std::uint64_t kept = 0;  ///< Bytes held now for sides that do not take them.
  StatusSums answers{};
  DurationSums durations;  ///< Of forwarded requests, tunnels apart.
};

class Proxy {
 public:
  /// `gate` and `hub` must outlive the proxy; both are called on proxy threads.
  Proxy(ProxySettings settings, Gate& gate, Hub& hub);
  ~Proxy();  ///< Stops at once if stop() was not called.
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Binds the endpoints, or takes the sockets of another process over that were bound for them,
  /// also when it had more of them than we have threads. Nobody is accepted yet. What no endpoint
  /// wants is closed. Errors as start().
  Result<void> open(std::vector<ListeningSockets> inherited);
  /// Binds, if open() did not, and begins to serve. Each forwarded request takes two descriptors:
  /// RLIMIT_NOFILE is the caller's to raise. Errc::invalid for a wrong address or CIDR,
  /// Errc::unavailable if it cannot be bound.
  Result<void> start();
  /// The one that was bound for that endpoint of the settings; 0 for a Unix socket.
  std::uint16_t port(std::size_t endpoint = 0) const noexcept;
  // To another process and without a failed request; each returns when all threads do as told. Not
  // from a proxy thread.
  /// New connections wait in the kernel, new requests in their sockets; what is under way goes on.
  void hold();
  void go_on();  ///< After hold(): as if nothing had been.
  /// After hold(), once the other one has the sockets(): ours are closed. What is under way ends
  /// here, tunnels too; what connections ask next goes to `successor`.
  void hand_over(RelayRoutes successor);
  /// The descriptors stay ours.
  std::vector<ListeningSockets> sockets() const;

  /// Accepts nobody any more, closes idle connections, lets requests finish for at most `drain`,
  /// then cuts what is left (tunnels too). Returns when all threads have ended. Not from a proxy
  /// thread. Answers the hub gives later are dropped.
  void stop(seconds drain);
  Counters counters() const;  ///< Any thread, while the proxy exists.
  /// Any thread. `done` gets the `most` oldest connections, on a proxy thread; at once when none
  /// runs.
  void survey(std::size_t most, Survey::Done done) const;

 private:
  class Thread;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace passerelle::proxy
