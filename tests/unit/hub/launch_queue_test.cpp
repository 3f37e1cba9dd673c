#include "hub/launch_queue.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

namespace passerelle::hub {
namespace {

// People who come one after the other; each holds a place until let go.
struct Room {
  explicit Room(std::size_t in_flight, std::size_t longest = 100) : queue(in_flight, longest) {}

  void come(int who) {
    auto visit = [](Room& room, int person) -> Task<void> {
      std::function<void(std::size_t, std::size_t)> told = [&room, person](std::size_t position,
                                                                           std::size_t of) {
        room.places[person] = {position, of};
      };
      LaunchQueue::Place place = co_await room.queue.enter(std::move(told));
      room.entered.push_back(person);
      room.held.emplace(person, std::move(place));
    };
    auto& signal = signals[who];
    asio::co_spawn(loop, visit(*this, who),
                   asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
    run();
  }
  void leave(int who) {
    held.erase(who);
    run();
  }
  void run() {
    loop.restart();
    loop.poll();
  }

  asio::io_context loop;
  LaunchQueue queue;
  std::map<int, asio::cancellation_signal> signals;
  std::map<int, std::pair<std::size_t, std::size_t>> places;
  std::vector<int> entered;
  std::map<int, LaunchQueue::Place> held;
};

TEST(LaunchQueue, ServesInOrderOfArrival) {
  Room room(2);
  for (int who = 1; who <= 5; ++who) room.come(who);
  EXPECT_EQ(room.entered, (std::vector<int>{1, 2}));
  EXPECT_EQ(room.places[3], (std::pair<std::size_t, std::size_t>{1, 3}));
  EXPECT_EQ(room.places[5], (std::pair<std::size_t, std::size_t>{3, 3}));
  room.leave(2);
  EXPECT_EQ(room.entered, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(room.places[4], (std::pair<std::size_t, std::size_t>{1, 2}));
  room.leave(1);
  room.leave(3);
  EXPECT_EQ(room.entered, (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(room.queue.under_way(), 2U);
  room.leave(4);
  room.leave(5);
  EXPECT_EQ(room.queue.under_way(), 0U);
}

TEST(LaunchQueue, WhoGivesUpIsNoLongerInTheWay) {
  Room room(1);
  for (int who = 1; who <= 3; ++who) room.come(who);
  room.signals[2].emit(asio::cancellation_type::terminal);
  room.run();
  EXPECT_EQ(room.queue.waiting(), 1U);
  EXPECT_EQ(room.places[3], (std::pair<std::size_t, std::size_t>{1, 1}));
  room.leave(1);
  EXPECT_EQ(room.entered, (std::vector<int>{1, 3}));
}

// The turn comes and the launch is given up in the same moment: the place must not be lost.
TEST(LaunchQueue, APlaceGivenToSomebodyWhoLeavesGoesOn) {
  Room room(1);
  for (int who = 1; who <= 3; ++who) room.come(who);
  room.signals[2].emit(
      asio::cancellation_type::terminal);  // reaches the waiting one only when the loop runs
  room.held.erase(1);
  room.run();
  EXPECT_EQ(room.entered, (std::vector<int>{1, 3}));
  EXPECT_EQ(room.queue.under_way(), 1U);
}

TEST(LaunchQueue, KnowsWhenItIsFull) {
  Room room(1, 2);
  room.come(1);
  EXPECT_FALSE(room.queue.full());
  room.come(2);
  room.come(3);
  EXPECT_TRUE(room.queue.full());
}

}  // namespace
}  // namespace passerelle::hub
