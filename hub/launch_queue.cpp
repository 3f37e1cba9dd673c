#include "hub/launch_queue.hpp"

#include <boost/asio/redirect_error.hpp>

namespace passerelle::hub {
namespace {

struct Ticket {
  std::function<void(std::size_t, std::size_t)> told;
  std::unique_ptr<asio::steady_timer> wake;  // never expires; cancelled when the turn comes
  bool called = false;                       // counts as under way from then on
};

}  // namespace

struct LaunchQueue::State {
  State(std::size_t places, std::size_t most) : in_flight(places), longest(most) {}

  void give_back() {
    --under_way;
    for (Ticket& ticket : waiting) {
      if (under_way >= in_flight) return;
      if (ticket.called) continue;
      ticket.called = true;
      ++under_way;
      ticket.wake->cancel();
    }
  }

  void tell_places() {
    std::size_t position = 0;
    const std::size_t of = length();
    for (const Ticket& ticket : waiting)
      if (!ticket.called) ticket.told(++position, of);
  }

  std::size_t length() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(waiting, [](const Ticket& ticket) { return !ticket.called; }));
  }

  std::size_t in_flight;
  std::size_t longest;
  std::size_t under_way = 0;
  std::list<Ticket> waiting;
};

LaunchQueue::LaunchQueue(std::size_t in_flight, std::size_t longest)
    : state_(std::make_shared<State>(in_flight, longest)) {}

LaunchQueue::Place::~Place() {
  if (state_) state_->give_back();
}

bool LaunchQueue::full() const noexcept {
  return waiting() >= state_->longest;
}
std::size_t LaunchQueue::under_way() const noexcept {
  return state_->under_way;
}
std::size_t LaunchQueue::waiting() const noexcept {
  return state_->length();
}

Task<LaunchQueue::Place> LaunchQueue::enter(std::function<void(std::size_t, std::size_t)> told) {
  const std::shared_ptr<State> state = state_;
  if (state->under_way < state->in_flight && state->waiting.empty()) {
    ++state->under_way;
    co_return Place(state);
  }
  const auto executor = co_await asio::this_coro::executor;
  state->waiting.push_back(
      Ticket{std::move(told),
             std::make_unique<asio::steady_timer>(executor, asio::steady_timer::time_point::max()),
             false});
  // The ticket leaves with this frame, whether its turn came, the launch was cancelled, or the loop
  // ends.
  struct Leave {
    State& queue;
    std::list<Ticket>::iterator ticket;
    ~Leave() { queue.waiting.erase(ticket); }
  };
  Place place;
  {
    const Leave leave{*state, std::prev(state->waiting.end())};
    state->tell_places();
    co_await asio::this_coro::throw_if_cancelled(false);
    boost::system::error_code ignored;
    co_await leave.ticket->wake->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (leave.ticket->called) place = Place(state);
  }
  state->tell_places();
  co_await asio::this_coro::throw_if_cancelled(true);
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none)
    throw boost::system::system_error(asio::error::operation_aborted);
  co_return place;
}

}  // namespace passerelle::hub
