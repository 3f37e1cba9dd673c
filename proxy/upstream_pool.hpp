// UpstreamPool: the connections of one proxy thread to upstreams that wait for their next request,
// newest first. A connection never serves another route than the one it was made for. Also makes
// new ones.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "proxy/blocks.hpp"
#include "proxy/coroutine.hpp"
#include "proxy/loop.hpp"
#include "proxy/route_table.hpp"
#include "proxy/socket.hpp"

namespace passerelle::proxy {

struct UpstreamConnection {
  UpstreamConnection(Loop& loop, int fd, bool connecting) noexcept : socket(loop, fd, connecting) {}
  static void* operator new(std::size_t size) { return take_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { give_block(block, size); }

  Socket socket;
  Millis idle_since = 0;
  bool reused = false;  ///< It has served a request before: it may be dead without our knowing.
};
using UpstreamLease = std::unique_ptr<UpstreamConnection>;

enum class Connect : std::uint8_t {
  ok,
  refused,
  timeout,
  stopped,
  no_room,  ///< We have no descriptor or port left: nothing is wrong with the upstream.
};

class UpstreamPool {
 public:
  explicit UpstreamPool(Loop& loop) : loop_(loop) {}

  /// An idle connection to the route's upstream, or null. `certain`: ask the kernel whether it
  /// still lives, for a request that must not be sent twice.
  UpstreamLease take(const Route& route, bool certain);
  /// Must be between two requests; it is closed when there are enough already.
  void give(const std::shared_ptr<const Route>& route, UpstreamLease connection);
  /// A new connection in `lease`, with TLS where the route wants it.
  Flow<Connect> connect(const Route& route, UpstreamLease& lease);

  void sweep();  ///< Every tick: closes what the upstream closed, what is too old, and what belongs
                 ///< to closed routes.
  void clear() noexcept {
    shelves_.clear();
    idle_ = 0;
  }

 private:
  Flow<Connect> secure(const Route& route, UpstreamConnection& connection, Millis deadline);

  struct Shelf {
    std::shared_ptr<const Route> route;  ///< Held, so that its address stays its name.
    std::vector<UpstreamLease> idle;
    Millis last_used = 0;
  };

  Flow<Connect> connect_to(const Route& route, const Upstream& upstream, UpstreamLease& lease);

  Loop& loop_;
  std::unordered_map<const Route*, Shelf> shelves_;
  std::size_t idle_ = 0;
};

}  // namespace passerelle::proxy
