// Flow<T>: the data plane's coroutine. It runs on one proxy thread, starts when it is awaited and
// goes on in its caller at once when it did not have to wait; frames come from the thread's free
// lists. Knows nothing of sockets.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include "proxy/blocks.hpp"

namespace passerelle::proxy {

namespace detail {

struct Frame {  // base of every promise: where its frame lives
  static void* operator new(std::size_t size) { return take_block(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { give_block(frame, size); }
};

struct FlowPromise : Frame {
  std::coroutine_handle<> caller = std::noop_coroutine();
  std::exception_ptr thrown;

  struct Final {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return self.promise().caller;
    }
    void await_resume() noexcept {}
  };
  std::suspend_always initial_suspend() noexcept { return {}; }
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }
};

template <class T>
struct ValuePromise : FlowPromise {
  std::optional<T> value;
  void return_value(T result) { value.emplace(std::move(result)); }
  T take() {
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*value);
  }
};

template <>
struct ValuePromise<void> : FlowPromise {
  void return_void() noexcept {}
  void take() {
    if (thrown) std::rethrow_exception(thrown);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Flow {
 public:
  struct promise_type : detail::ValuePromise<T> {
    Flow get_return_object() {
      return Flow(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  Flow(Flow&& other) noexcept : self_(std::exchange(other.self_, {})) {}
  Flow& operator=(Flow&&) = delete;
  ~Flow() {
    if (self_) self_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  // Runs the callee here until it first waits. If it never does, the caller goes on without having
  // been suspended: the stack stays flat however long a loop of such calls is, also where the
  // compiler makes no tail calls.
  bool await_suspend(std::coroutine_handle<> caller) {
    self_.resume();
    if (self_.done()) return false;
    self_.promise().caller = caller;
    return true;
  }
  T await_resume() { return self_.promise().take(); }

 private:
  explicit Flow(std::coroutine_handle<promise_type> self) : self_(self) {}
  std::coroutine_handle<promise_type> self_;
};

/// A coroutine nobody waits for: runs at once, frees itself at its end. It must not let an
/// exception out.
struct Detached {
  struct promise_type : detail::Frame {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

}  // namespace passerelle::proxy
