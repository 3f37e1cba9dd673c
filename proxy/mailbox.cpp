#include "proxy/mailbox.hpp"

#include <cstdint>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace passerelle::proxy {

Mailbox::Mailbox() noexcept : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Mailbox::~Mailbox() {
  discard();
  if (event_ >= 0) ::close(event_);
}

// A letter holds its mailbox (it may be posted again) and, on its way, is held by it: the circle
// must be broken here.
void Mailbox::discard() noexcept {
  for (Letter* letter = newest_.exchange(nullptr); letter != nullptr;) {
    const std::shared_ptr<Letter> last = std::move(letter->self_);
    letter = letter->next_;
  }
}

void Mailbox::close() noexcept {
  closed_ = true;
  discard();
}

void Mailbox::post(std::shared_ptr<Letter> letter) noexcept {
  if (letter->posted_.exchange(true, std::memory_order_acq_rel)) return;
  Letter* const added = letter.get();
  added->self_ = std::move(letter);
  added->next_ = newest_.load(std::memory_order_relaxed);
  while (!newest_.compare_exchange_weak(added->next_, added)) {
  }
  if (closed_) return discard();
  const std::uint64_t one = 1;
  // It can only fail when the counter is full, and then the loop wakes up anyway.
  [[maybe_unused]] const auto written = write(event_, &one, sizeof one);
}

void Mailbox::deliver() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(event_, &count, sizeof count);
  Letter* ordered = nullptr;
  for (Letter* letter = newest_.exchange(nullptr, std::memory_order_acquire); letter != nullptr;) {
    Letter* const older = letter->next_;
    letter->next_ = ordered;
    ordered = letter;
    letter = older;
  }
  while (ordered != nullptr) {
    const std::shared_ptr<Letter> letter = std::move(ordered->self_);
    ordered = ordered->next_;
    letter->posted_.store(false, std::memory_order_release);  // from here on it may be posted again
    letter->open();
  }
}

}  // namespace passerelle::proxy
