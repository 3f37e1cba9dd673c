// Task<T>: the coroutine type of the control plane. One `co_await` per statement, its arguments
// named before it: g++ 12 destroys a temporary aggregate or capturing lambda inside such an
// expression twice (docs/architecture.md).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/result.hpp"

namespace passerelle {

namespace asio = boost::asio;

template <class T>
using Task = asio::awaitable<T>;

inline Task<void> sleep_for(std::chrono::steady_clock::duration time) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, time);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

/// The task's result, or Errc::timeout named after `what` once `limit` has passed. The task is then
/// cancelled and awaited: nothing of it runs on.
template <class T>
Task<Result<T>> with_timeout(Task<Result<T>> task,
                             std::chrono::steady_clock::duration limit,
                             std::string what) {
  using namespace asio::experimental::awaitable_operators;
  auto outcome = co_await (std::move(task) || sleep_for(limit));
  if (outcome.index() == 1) co_return Error(Errc::timeout, what + " took too long");
  co_return std::get<0>(std::move(outcome));
}

}  // namespace passerelle
