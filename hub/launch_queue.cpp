#include "hub/launch_queue.hpp"

#include <boost/asio/redirect_error.hpp>

namespace passerelle::hub {

Task<LaunchQueue::Place> LaunchQueue::enter(std::function<void(std::size_t, std::size_t)> told) {
  if (under_way_ < in_flight_ && waiting_.empty()) {
    ++under_way_;
    co_return Place(this);
  }
  const auto executor = co_await asio::this_coro::executor;
  waiting_.push_back(
      Ticket{std::move(told), std::make_unique<asio::steady_timer>(executor), false});
  const auto ticket = std::prev(waiting_.end());
  ticket->wake->expires_at(asio::steady_timer::time_point::max());
  // The ticket leaves with this frame, whether its turn came or the launch was cancelled while it
  // waited.
  struct Leave {
    LaunchQueue& queue;
    std::list<Ticket>::iterator ticket;
    ~Leave() {
      queue.waiting_.erase(ticket);
      queue.tell_places();
    }
  };
  bool called = false;
  {
    const Leave leave{*this, ticket};
    tell_places();
    co_await asio::this_coro::throw_if_cancelled(false);
    boost::system::error_code ignored;
    co_await ticket->wake->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    called = ticket->called;
  }
  co_await asio::this_coro::throw_if_cancelled(true);
  const auto state = co_await asio::this_coro::cancellation_state;
  Place place = called ? Place(this) : Place();  // a called ticket counts as under way already
  if (!called || state.cancelled() != asio::cancellation_type::none)
    throw boost::system::system_error(asio::error::operation_aborted);
  co_return place;
}

void LaunchQueue::give_back() {
  --under_way_;
  call_next();
}

void LaunchQueue::call_next() {
  for (Ticket& ticket : waiting_) {
    if (under_way_ >= in_flight_) return;
    if (ticket.called) continue;
    ticket.called = true;
    ++under_way_;
    ticket.wake->cancel();
  }
}

void LaunchQueue::tell_places() {
  std::size_t position = 0;
  std::size_t of = 0;
  for (const Ticket& ticket : waiting_) of += ticket.called ? 0 : 1;
  for (const Ticket& ticket : waiting_)
    if (!ticket.called) ticket.told(++position, of);
}

}  // namespace passerelle::hub
