// Listener: one lane's own listening socket of an endpoint (SO_REUSEPORT; the lanes share one where
// that does not exist, on a Unix socket). Accepts in bounded batches; when
// connections or descriptors run out it says 503 to those who wait and pauses, so that the thread
// does not spin.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "proxy/lane.hpp"

namespace passerelle::proxy {

class Listener final : public Watcher {
 public:
  /// Port 0: the kernel's choice; the other lanes then bind the port() of the first. A Unix socket
  /// replaces one that nobody listens on any more.
  static Result<int> bind(const Endpoint& endpoint, std::uint16_t port);
  /// Errc::unavailable if another process listens there. SO_REUSEPORT would let us share its
  /// clients, and nobody would notice.
  static Result<void> check_free(const Endpoint& endpoint);
  static std::uint16_t port_of(int fd) noexcept;

  /// Takes the descriptor over; begins to accept. `endpoint` must outlive the connections.
  Listener(Lane& lane, int fd, const Endpoint& endpoint) noexcept;
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void accept_last() noexcept;  ///< Serves who is in the queue already, then nobody any more.
  void hold() noexcept;         ///< Who comes waits in the queue, until go_on() or a close.
  void go_on() noexcept;
  void close() noexcept;
  void resume() noexcept;  ///< Every tick: ends a pause.
  int fd() const noexcept { return fd_; }
  void on_events(std::uint32_t events) noexcept override;

 private:
  bool accept_one() noexcept;
  void turn_away(int fd) noexcept;
  bool spend_reserve() noexcept;
  void pause() noexcept;

  Lane& lane_;
  const Endpoint& endpoint_;
  int fd_;
  int reserve_;  ///< A descriptor to give up when there is no other, to tell one client so.
  bool paused_ = false;
  bool held_ = false;
};

}  // namespace passerelle::proxy
