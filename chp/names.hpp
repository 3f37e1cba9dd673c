// Names: keeps the addresses of named targets. Resolves when a route comes, and again every few
// seconds as long as there is one; a name that cannot be resolved any more keeps its last
// addresses.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "base/worker_pool.hpp"
#include "chp/routes.hpp"

namespace passerelle::chp {

/// getaddrinfo: blocks. In its order, each once; empty if there is none.
std::vector<Upstream> look_up(const std::string& name, std::uint16_t port);

class Names {
 public:
  /// `loop` must run on one thread and outlive this.
  explicit Names(asio::io_context& loop) : loop_(loop), pool_(kThreads) {}
  void start();  ///< Before the loop runs: begins to refresh.

  /// Any thread. `done` is called on any thread, when the addresses are there or kPatience is over.
  void resolve(std::shared_ptr<RouteEntry> entry, std::function<void()> done);

 private:
  static constexpr std::size_t kThreads = 4;
  static constexpr std::chrono::seconds kPatience{3};
  static constexpr std::chrono::seconds kRefresh{10};

  Task<void> resolve_one(std::shared_ptr<RouteEntry> entry, std::function<void()> done);
  Task<void> refresh();
  Task<std::vector<Upstream>> addresses_of(std::string name, std::uint16_t port);

  asio::io_context& loop_;
  WorkerPool pool_;
  std::map<std::pair<std::string, std::uint16_t>, std::vector<std::weak_ptr<RouteEntry>>> watched_;
};

}  // namespace passerelle::chp
