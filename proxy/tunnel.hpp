// Tunnel: after 101, bytes in both directions until both sides have ended, the route is closed or
// nobody speaks any more. Looks into no frame, but for telling a lone ping from somebody's work.
#pragma once

#include <memory>

#include "proxy/blocks.hpp"
#include "proxy/coroutine.hpp"
#include "proxy/lane.hpp"

namespace passerelle::proxy {

struct Connection;

/// A route's count of what is under way on it.
class InFlight {
 public:
  explicit InFlight(const Route& route) noexcept : route_(&route) {
    route.in_flight.fetch_add(1, std::memory_order_relaxed);
  }
  ~InFlight() { route_->in_flight.fetch_sub(1, std::memory_order_relaxed); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  const Route* route_;
};

/// What a request leaves behind when it becomes a tunnel. Small: thousands of them are idle.
struct Tunnel {
  static void* operator new(std::size_t size) { return take_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { give_block(block, size); }

  Tunnel(std::shared_ptr<const Route> its_route,
         std::shared_ptr<const std::atomic<bool>> its_right_ended,
         UpstreamLease its_upstream) noexcept
      : route(std::move(its_route)),
        right_ended(std::move(its_right_ended)),
        upstream(std::move(its_upstream)),
        in_flight(*route) {}

  std::shared_ptr<const Route> route;
  std::shared_ptr<const std::atomic<bool>> right_ended;  ///< Forward::right_ended
  UpstreamLease upstream;
  InFlight in_flight;
  Kept to_client;  ///< The answer's head and what came with it, as far as the client did not take
                   ///< it yet.
  Kept label;      ///< "PATH PEER", for the access log.
  /// To the successor, which logs what goes through it.
  bool relayed() const noexcept { return label.empty(); }
  Millis began = 0;
  Trace trace;
};

/// Runs connection.tunnel to its end.
Flow<> run_tunnel(Lane& lane, Connection& connection);

}  // namespace passerelle::proxy
