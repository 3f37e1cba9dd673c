// Mailbox: how other threads reach a proxy thread. A letter is in at most one place at a time, so
// the queue is bounded by the letters that exist (one per request handed to the hub, one for the
// stop). Lock-free, any thread posts; it outlives the loop as long as somebody may still post.
#pragma once

#include <atomic>
#include <memory>

namespace passerelle::proxy {

/// Something to be done on the proxy thread. Posting it again before it is opened is one delivery.
class Letter {
 public:
  virtual ~Letter() = default;
  virtual void open() noexcept = 0;  ///< On the proxy thread.

 private:
  friend class Mailbox;
  std::atomic<bool> posted_{false};
  Letter* next_ = nullptr;
  std::shared_ptr<Letter> self_;  ///< Keeps it alive while it is on its way.
};

class Mailbox {
 public:
  Mailbox() noexcept;  ///< Check good().
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  bool good() const noexcept { return event_ >= 0; }
  int event() const noexcept { return event_; }  ///< An eventfd, readable when there is mail.
  void post(std::shared_ptr<Letter> letter) noexcept;
  void deliver() noexcept;  ///< Proxy thread: opens all that is there, in order.
  void close() noexcept;    ///< Proxy thread, at its end: mail is thrown away from now on.

 private:
  void discard() noexcept;

  int event_;
  std::atomic<bool> closed_{false};
  std::atomic<Letter*> newest_{nullptr};
};

}  // namespace passerelle::proxy
