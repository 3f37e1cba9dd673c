#include "hub/tickets.hpp"

#include <gtest/gtest.h>

#include "tests/unit/auth/world.hpp"

namespace passerelle::hub {
namespace {

using auth::testing::StillClock;

TEST(Tickets, AreGoodOnceAndForAMoment) {
  StillClock clock;
  Tickets<std::string> tickets(clock, seconds(60));
  const std::string ticket = tickets.add("one");
  ASSERT_NE(tickets.find(ticket), nullptr) << "a look uses nothing up";
  EXPECT_EQ(tickets.take(ticket), "one");
  EXPECT_EQ(tickets.find(ticket), nullptr);
  EXPECT_EQ(tickets.take(ticket), std::nullopt);
  EXPECT_EQ(tickets.take(""), std::nullopt);
  const std::string late = tickets.add("two");
  clock.pass(seconds(60));
  EXPECT_NE(tickets.find(late), nullptr);
  clock.pass(seconds(1));
  EXPECT_EQ(tickets.take(late), std::nullopt);
}

TEST(Tickets, TheOldestOfTooManyAreForgotten) {
  StillClock clock;
  Tickets<std::size_t> tickets(clock, seconds(60));
  const std::string first = tickets.add(0);
  for (std::size_t i = 1; i < Tickets<std::size_t>::kMost; ++i) tickets.add(i);
  EXPECT_NE(tickets.find(first), nullptr);
  tickets.add(0);
  EXPECT_EQ(tickets.find(first), nullptr);
}

}  // namespace
}  // namespace passerelle::hub
