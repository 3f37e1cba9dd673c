// SingleFlight: many ask, one question goes out. For what is fetched from a provider and is the
// same for everybody.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "base/task.hpp"

namespace passerelle::auth {

/// One loop only. T is copied to all who wait.
template <class T>
class SingleFlight {
 public:
  /// Awaits the question under way, or makes one with `start` (returns Task<Result<T>>). If whoever
  /// asked first is cancelled, the others get Errc::unavailable.
  template <class Start>
  Task<Result<T>> join(Start start) {
    if (flight_) {
      const std::shared_ptr<Flight> flight = flight_;
      boost::system::error_code woken;
      co_await flight->over.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      if (flight->answer) co_return *flight->answer;
      co_return Error(Errc::unavailable, "the question was given up");
    }
    const auto executor = co_await asio::this_coro::executor;
    const auto flight = std::make_shared<Flight>(executor);
    flight_ = flight;
    struct Landing {
      SingleFlight& self;
      Flight& flight;
      ~Landing() {
        self.flight_.reset();
        flight.over.cancel();
      }
    } landing{*this, *flight};
    Task<Result<T>> task = start();
    auto answer = co_await std::move(task);
    flight->answer = answer;
    co_return answer;
  }

 private:
  struct Flight {
    explicit Flight(const asio::any_io_executor& executor)
        : over(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer over;
    std::optional<Result<T>> answer;
  };
  std::shared_ptr<Flight> flight_;
};

}  // namespace passerelle::auth
