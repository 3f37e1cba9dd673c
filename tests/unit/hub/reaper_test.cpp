#include "hub/reaper.hpp"

#include <gtest/gtest.h>

namespace passerelle::hub {
namespace {

const Instant kStart = from_micros(1'000'000'000'000);

TEST(CullRule, IdleCountsFromTheLastUse) {
  config::CullRule rule;
  rule.idle = std::chrono::minutes(30);
  EXPECT_EQ(due(rule, kStart, kStart + std::chrono::minutes(5)), kStart + std::chrono::minutes(35));
}

TEST(CullRule, AgeCountsFromTheStartWhateverItDoes) {
  config::CullRule rule;
  rule.age = std::chrono::hours(12);
  EXPECT_EQ(due(rule, kStart, kStart + std::chrono::hours(11)), kStart + std::chrono::hours(12));
}

TEST(CullRule, TheEarlierOfBothCounts) {
  config::CullRule rule;
  rule.idle = std::chrono::hours(1);
  rule.age = std::chrono::hours(12);
  EXPECT_EQ(due(rule, kStart, kStart), kStart + std::chrono::hours(1));
  EXPECT_EQ(due(rule, kStart, kStart + std::chrono::hours(11) + std::chrono::minutes(30)),
            kStart + std::chrono::hours(12));
}

TEST(CullRule, WithoutEitherItNeverStops) {
  EXPECT_FALSE(due({}, kStart, kStart));
}

}  // namespace
}  // namespace passerelle::hub
