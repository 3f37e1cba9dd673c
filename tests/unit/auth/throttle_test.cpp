#include "auth/throttle.hpp"

#include <gtest/gtest.h>

#include "tests/unit/auth/world.hpp"

namespace passerelle::auth {
namespace {

class ThrottleTest : public ::testing::Test {
 protected:
  bool wrong(std::string_view address, std::string_view name) {
    if (throttle.begin(address, name)) return false;
    throttle.failed(address, name);
    return true;
  }
  testing::StillClock clock;
  Throttle throttle{clock};
};

TEST_F(ThrottleTest, FiveQuickTriesThenGrowingDelays) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(wrong("192.0.2.1", "alice")) << i;
  seconds before{0};
  for (int i = 0; i < 6; ++i) {
    const auto wait = throttle.begin("192.0.2.1", "alice");
    ASSERT_TRUE(wait);
    EXPECT_GT(*wait, before);
    before = *wait;
    clock.pass(*wait);
    EXPECT_TRUE(wrong("192.0.2.1", "alice"));
  }
  EXPECT_GE(before, seconds(60));
}

TEST_F(ThrottleTest, ADayOfGuessingOneNameGivesFewTries) {
  int tries = 0;
  for (int second = 0; second < 86'400; ++second) {
    if (wrong("192.0.2.1", "alice")) ++tries;
    clock.pass(seconds(1));
  }
  EXPECT_LT(tries, 320);
}

TEST_F(ThrottleTest, ParallelTriesAreCountedBeforeTheirOutcome) {
  int let_through = 0;
  for (int i = 0; i < 100; ++i)
    if (!throttle.begin("192.0.2.1", "alice")) ++let_through;
  EXPECT_EQ(let_through, 5);
}

// A room behind one address: one person's mistakes hold up nobody else, and 200 successes at once
// are no attack.
TEST_F(ThrottleTest, AClassroomBehindOneAddressComesIn) {
  for (int i = 0; i < 5; ++i) wrong("192.0.2.1", "alice");
  EXPECT_TRUE(throttle.begin("192.0.2.1", "alice"));
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(throttle.begin("192.0.2.1", "p" + std::to_string(i)));
  for (int i = 0; i < 200; ++i) throttle.succeeded("192.0.2.1", "p" + std::to_string(i));
  EXPECT_FALSE(throttle.begin("192.0.2.1", "late"));
  EXPECT_FALSE(throttle.begin("198.51.100.7", "alice"));
}

TEST_F(ThrottleTest, ASuccessForgetsTheFailuresOfThatName) {
  for (int i = 0; i < 4; ++i) wrong("192.0.2.1", "alice");
  ASSERT_FALSE(throttle.begin("192.0.2.1", "alice"));
  throttle.succeeded("192.0.2.1", "alice");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(wrong("192.0.2.1", "alice")) << i;
}

TEST_F(ThrottleTest, WhatCouldNotBeToldDoesNotCount) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_FALSE(throttle.begin("192.0.2.1", "alice"));
    throttle.untold("192.0.2.1", "alice");
  }
}

TEST_F(ThrottleTest, ManyNamesFromOneAddressAreBounded) {
  int tries = 0;
  for (int i = 0; i < 1000; ++i)
    if (wrong("192.0.2.1", "n" + std::to_string(i))) ++tries;
  EXPECT_EQ(tries, 100);
  const auto wait = throttle.begin("192.0.2.1", "x");
  ASSERT_TRUE(wait);
  EXPECT_LE(*wait, seconds(3));
  clock.pass(*wait);
  EXPECT_FALSE(throttle.begin("192.0.2.1", "x"));
}

TEST_F(ThrottleTest, ManyAddressesSlowOnlyThoseThatFailed) {
  for (int i = 0; i < 2'500; ++i)
    wrong("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), "alice");
  EXPECT_TRUE(throttle.begin("10.0.0.1", "bob"));
  EXPECT_FALSE(throttle.begin("192.0.2.1", "bob"));
}

TEST_F(ThrottleTest, MemoryIsBounded) {
  for (int i = 0; i < 40'000; ++i)
    wrong("2001:db8:" + std::to_string(i % 9999) + ":" + std::to_string(i / 9999) + "::1",
          "n" + std::to_string(i));
  EXPECT_LE(throttle.entries(), 16'384U);
}

TEST(AddressPrefix, IsWhatOnePersonHolds) {
  EXPECT_EQ(address_prefix("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address_prefix("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address_prefix("2001:db8:1:2:3:4:5:6"), address_prefix("2001:db8:1:2::9"));
  EXPECT_NE(address_prefix("2001:db8:1:2::"), address_prefix("2001:db8:1:3::"));
  EXPECT_EQ(address_prefix("unix:"), "unix:");
}

}  // namespace
}  // namespace passerelle::auth
