// Loop: the readiness loop of one proxy thread (edge-triggered epoll), and Wait, the one thing a
// coroutine can wait for on it: events of up to two sockets, a deadline, a route that closes, the
// stop. No timer objects: a coarse clock, and a sweep over the waits twice a second. Knows nothing
// of HTTP.
#pragma once

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>

#include <sys/epoll.h>

#include "base/result.hpp"
#include "proxy/mailbox.hpp"

namespace passerelle::proxy {

using Millis = std::int64_t;  ///< On Loop::now()'s clock.
inline constexpr Millis kTick = 500;
inline constexpr Millis kNever = INT64_MAX;

/// Receives the events of one file descriptor.
class Watcher {
 public:
  virtual void on_events(std::uint32_t events) noexcept = 0;

 protected:
  ~Watcher() = default;
};

/// Why a wait ended.
enum class Wake : std::uint8_t {
  ready,    ///< An event of a socket, or notify().
  timeout,  ///< The deadline, up to one tick late.
  cut,      ///< The flag given to cut_by() was set.
  stop,     ///< The proxy stops.
  shed,     ///< Others need the memory (shedding.hpp).
};

/// What is being waited for, as far as a graceful stop cares.
enum class Phase : std::uint8_t {
  idle,  ///< No request under way: ends when the stop begins.
  busy,  ///< Ends with the drain time.
};

class Loop;
class Socket;

struct WaitLink {
  WaitLink* next = this;
  WaitLink* before = this;
  void unlink() noexcept {
    next->before = before;
    before->next = next;
    next = before = this;
  }
  void insert_before(WaitLink& other) noexcept {
    next = &other;
    before = other.before;
    before->next = this;
    other.before = this;
  }
  bool alone() const noexcept { return next == this; }
};

/// Awaitable, made anew for each wait and named before it is awaited. One coroutine waits per
/// socket at a time.
class Wait : private WaitLink {
 public:
  Wait(Loop& loop, Phase phase, Millis deadline) noexcept
      : loop_(loop), deadline_(deadline), phase_(phase) {}
  ~Wait();
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  /// Interest: kToRead, kToWrite, kBroken (socket.hpp), in any combination.
  Wait& on(Socket& socket, int interest) noexcept;
  /// At most two flags; each must outlive the wait.
  Wait& cut_by(const std::atomic<bool>& flag) noexcept {
    cuts_[cuts_[0] == nullptr ? 0 : 1] = &flag;
    return *this;
  }

  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiter) noexcept;
  Wake await_resume() const noexcept { return wake_; }

  /// Resumes the waiting coroutine; it may be gone afterwards, and this with it. Nothing if nobody
  /// waits.
  void notify(Wake wake = Wake::ready) noexcept;

 private:
  friend class Loop;
  void detach() noexcept;
  bool is_cut() const noexcept {
    return std::ranges::any_of(cuts_, [](const auto* flag) {
      return flag != nullptr && flag->load(std::memory_order_relaxed);
    });
  }

  Loop& loop_;
  Socket* sockets_[2] = {nullptr, nullptr};
  std::coroutine_handle<> waiter_;
  const std::atomic<bool>* cuts_[2] = {nullptr, nullptr};
  Millis deadline_;
  Phase phase_;
  int interests_[2] = {0, 0};
  Wake wake_ = Wake::ready;
};

class Loop {
 public:
  static Result<std::unique_ptr<Loop>> make();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs on the calling thread until finish().
  void run();
  void finish() noexcept { finished_ = true; }

  Millis now() const noexcept { return now_; }  ///< Steady, read once per turn of the loop.
  std::int64_t unix_seconds() const noexcept { return unix_seconds_; }
  std::int64_t unix_millis() const noexcept { return unix_millis_; }

  bool watch(int fd, std::uint32_t events, Watcher& watcher) noexcept;
  void rewatch(int fd, std::uint32_t events, Watcher& watcher) noexcept;
  /// Before the descriptor is closed: no event that was already fetched reaches `watcher` any more.
  void forget(int fd, const Watcher& watcher) noexcept;

  /// Called twice a second while anything is waited for, and once more after keep_ticking().
  void on_tick(std::function<void()> tick) { tick_ = std::move(tick); }
  void keep_ticking() noexcept { ticking_ = true; }
  /// Ends the waits between requests, or all of them. Waits that begin meanwhile are not touched.
  void wake_idle(Wake wake) noexcept { wake_those(wake, true); }
  void wake_all(Wake wake) noexcept { wake_those(wake, false); }

  const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }

 private:
  friend class Wait;
  Loop(int epoll, std::shared_ptr<Mailbox> mailbox);
  void read_clock() noexcept;
  int patience() const noexcept;
  void sweep() noexcept;
  void run_yielded() noexcept;
  void wake_those(Wake wake, bool only_idle) noexcept;

  static constexpr int kBatch = 256;
  int epoll_;
  std::shared_ptr<Mailbox> mailbox_;
  bool finished_ = false;
  Millis now_ = 0;
  Millis next_tick_ = 0;
  std::int64_t unix_seconds_ = 0;
  std::int64_t unix_millis_ = 0;
  WaitLink waits_;
  WaitLink yielded_;  ///< Waits without a socket whose deadline is now: go on in the next turn.
  bool ticking_ = false;
  std::function<void()> tick_;
  epoll_event batch_[kBatch];
  int batch_at_ = 0;
  int batch_size_ = 0;
};

}  // namespace passerelle::proxy
