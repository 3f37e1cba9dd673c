#include "proxy/loop.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "proxy/socket.hpp"

namespace passerelle::proxy {

// --- Wait

Wait::~Wait() {
  if (!alone()) detach();
}

void Wait::notify(Wake wake) noexcept {
  if (alone()) return;
  detach();
  wake_ = wake;
  waiter_.resume();
}

// --- Loop

Result<std::unique_ptr<Loop>> Loop::make() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  auto mailbox = std::make_shared<Mailbox>();
  if (epoll < 0 || !mailbox->good()) {
    const std::string why = std::generic_category().message(errno);
    if (epoll >= 0) close(epoll);
    return Error(Errc::exhausted, "no event loop: " + why);
  }
  auto loop = std::unique_ptr<Loop>(new Loop(epoll, std::move(mailbox)));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // the mailbox is the only one without a watcher
  epoll_ctl(epoll, EPOLL_CTL_ADD, loop->mailbox_->event(), &event);
  return loop;
}

Loop::Loop(int epoll, std::shared_ptr<Mailbox> mailbox)
    : epoll_(epoll), mailbox_(std::move(mailbox)) {
  read_clock();
  next_tick_ = now_ + kTick;
}

Loop::~Loop() {
  close(epoll_);
}

void Loop::run() {
  while (!finished_) {
    const int count = epoll_wait(epoll_, batch_, kBatch, patience());
    read_clock();
    batch_size_ = std::max(count, 0);
    for (batch_at_ = 0; batch_at_ < batch_size_; ++batch_at_) {
      const epoll_event& event = batch_[batch_at_];
      if (event.data.ptr == nullptr) {
        if (event.events != 0) mailbox_->deliver();
      } else {
        static_cast<Watcher*>(event.data.ptr)->on_events(event.events);
      }
    }
    batch_size_ = 0;
    run_yielded();
    if (now_ >= next_tick_) sweep();
  }
}

void Loop::read_clock() noexcept {
  timespec steady{};
  timespec wall{};
  clock_gettime(CLOCK_MONOTONIC, &steady);
  clock_gettime(CLOCK_REALTIME, &wall);
  now_ = steady.tv_sec * 1000 + steady.tv_nsec / 1'000'000;
  unix_seconds_ = wall.tv_sec;
  unix_millis_ = wall.tv_sec * 1000 + wall.tv_nsec / 1'000'000;
}

// An idle proxy does not wake up at all.
int Loop::patience() const noexcept {
  if (!yielded_.alone()) return 0;
  if (waits_.alone() && !ticking_) return -1;
  return static_cast<int>(std::clamp<Millis>(next_tick_ - now_, 0, kTick));
}

bool Loop::watch(int fd, std::uint32_t events, Watcher& watcher) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::rewatch(int fd, std::uint32_t events, Watcher& watcher) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

// Closing alone would not do: a child that the program is just starting holds the same open socket
// until it executes, and the kernel would go on telling of it.
void Loop::forget(int fd, const Watcher& watcher) noexcept {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  for (int at = batch_at_ + 1; at < batch_size_; ++at) {
    if (batch_[at].data.ptr != &watcher) continue;
    batch_[at].data.ptr = nullptr;
    batch_[at].events = 0;
  }
}

void Loop::run_yielded() noexcept {
  WaitLink now;
  while (!yielded_.alone()) {
    WaitLink* const link = yielded_.next;
    link->unlink();
    link->insert_before(now);
  }
  while (!now.alone()) {
    Wait& wait = static_cast<Wait&>(*now.next);
    wait.notify(wait.is_cut() ? Wake::cut : Wake::ready);
  }
}

// Those that are due are set apart first: a resumed coroutine adds and removes waits.
void Loop::sweep() noexcept {
  next_tick_ = now_ + kTick;
  WaitLink due;
  for (WaitLink* link = waits_.next; link != &waits_;) {
    Wait& wait = static_cast<Wait&>(*link);
    link = link->next;
    const bool cut = wait.is_cut();
    if (!cut && wait.deadline_ > now_) continue;
    wait.unlink();
    wait.insert_before(due);
  }
  while (!due.alone()) {
    Wait& wait = static_cast<Wait&>(*due.next);
    const bool cut = wait.is_cut();
    wait.notify(cut ? Wake::cut : Wake::timeout);
  }
  ticking_ = false;
  if (tick_) tick_();
}

void Loop::wake_those(Wake wake, bool only_idle) noexcept {
  WaitLink all;
  for (WaitLink* list : {&waits_, &yielded_}) {
    for (WaitLink* link = list->next; link != list;) {
      Wait& wait = static_cast<Wait&>(*link);
      link = link->next;
      if (only_idle && wait.phase_ != Phase::idle) continue;
      wait.unlink();
      wait.insert_before(all);
    }
  }
  while (!all.alone()) static_cast<Wait*>(all.next)->notify(wake);
}

}  // namespace passerelle::proxy
