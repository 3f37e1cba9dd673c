// The small parts of limits: seats by address, memory's steps, traces.
#include <set>

#include <gtest/gtest.h>

#include "proxy/address_counts.hpp"
#include "proxy/blocks.hpp"
#include "proxy/durations.hpp"
#include "proxy/shedding.hpp"
#include "proxy/trace.hpp"

namespace passerelle::proxy {
namespace {

AddressBytes address(const std::string& text) {
  AddressBytes bytes;
  EXPECT_TRUE(parse_address(text, bytes)) << text;
  return bytes;
}

TEST(AddressCounts, EachAddressHasItsShareAndGetsItBack) {
  AddressCounts counts;
  AddressCounts::Seat first, second, third, other;
  EXPECT_TRUE(counts.enter(address("192.0.2.1"), 2, first));
  EXPECT_TRUE(counts.enter(address("192.0.2.1"), 2, second));
  EXPECT_FALSE(counts.enter(address("192.0.2.1"), 2, third));
  EXPECT_TRUE(counts.enter(address("192.0.2.2"), 2, other));
  counts.leave(third);  // was never taken
  EXPECT_FALSE(counts.enter(address("192.0.2.1"), 2, third));
  counts.leave(second);
  EXPECT_TRUE(counts.enter(address("192.0.2.1"), 2, second));
}

TEST(AddressCounts, AnIpv6CustomerIsA64) {
  AddressCounts counts;
  AddressCounts::Seat first, second, third;
  EXPECT_TRUE(counts.enter(address("2001:db8:0:1::7"), 1, first));
  EXPECT_FALSE(counts.enter(address("2001:db8:0:1:ffff::8"), 1, second));
  EXPECT_TRUE(counts.enter(address("2001:db8:0:2::7"), 1, third));
}

TEST(AddressCounts, ManyAddressesHardlyEverCountForOneAnother) {
  AddressCounts counts;
  std::vector<AddressCounts::Seat> seats(20'000);
  for (std::size_t at = 0; at < seats.size(); ++at)
    counts.enter(address("10." + std::to_string(at >> 16U) + "." + std::to_string(at >> 8U & 255U) +
                         "." + std::to_string(at & 255U)),
                 UINT32_MAX, seats[at]);
  std::size_t refused = 0;
  for (int at = 0; at < 250; ++at) {
    AddressCounts::Seat seat;
    if (!counts.enter(address("192.0.2." + std::to_string(at)), 8, seat)) ++refused;
  }
  EXPECT_EQ(refused, 0U);
  for (const auto& seat : seats) counts.leave(seat);
  AddressCounts::Seat seat;
  EXPECT_TRUE(counts.enter(address("10.0.0.1"), 1, seat));
}

TEST(Pressure, RisesInSteps) {
  EXPECT_EQ(pressure_of(0, 1000), Pressure::none);
  EXPECT_EQ(pressure_of(499, 1000), Pressure::none);
  EXPECT_EQ(pressure_of(500, 1000), Pressure::no_keep_alive);
  EXPECT_EQ(pressure_of(750, 1000), Pressure::no_newcomers);
  EXPECT_EQ(pressure_of(1000, 1000), Pressure::cutting);
  EXPECT_EQ(pressure_of(UINT64_MAX, 0), Pressure::none);
}

TEST(Kept, TheThreadKnowsHowMuchItHolds) {
  const std::size_t before = kept_bytes();
  {
    Kept kept(std::string(10'000, 'x'));
    EXPECT_EQ(kept_bytes(), before + 10'000);
    Kept moved = std::move(kept);
    kept.assign("abc");
    moved.append(std::string(20'000, 'y'));
    EXPECT_GE(kept_bytes(), before + 30'003);
    moved.consume(30'000);
    EXPECT_EQ(kept_bytes(), before + 3);
  }
  EXPECT_EQ(kept_bytes(), before);
}

TEST(Durations, EachGoesWhereItBelongs) {
  Durations durations;
  for (const std::int64_t millis : {0, 1, 2, 5, 60'000, 60'001}) durations.add(millis);
  DurationSums sums;
  durations.add_to(sums);
  EXPECT_EQ(sums.buckets[0], 2U);
  EXPECT_EQ(sums.buckets[1], 2U);
  EXPECT_EQ(sums.buckets[11], 1U);
  EXPECT_EQ(sums.buckets[12], 1U);
  EXPECT_EQ(sums.millis, 120'009U);
}

TEST(Trace, IsTakenOverFromAValidTraceparent) {
  const auto trace = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  ASSERT_TRUE(trace);
  EXPECT_EQ(TraceText(*trace).view(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_TRUE(parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later"));
}

TEST(Trace, AnotherTraceparentIsNone) {
  for (const std::string_view wrong :
       {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01later",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01"})
    EXPECT_FALSE(parse_traceparent(wrong)) << wrong;
}

TEST(Trace, OursAreAllDifferent) {
  Traces traces;
  std::set<std::string> seen;
  for (int at = 0; at < 10'000; ++at) {
    const Trace trace = traces.next();
    EXPECT_TRUE(trace);
    seen.emplace(TraceText(trace).view());
  }
  EXPECT_EQ(seen.size(), 10'000U);
}

}  // namespace
}  // namespace passerelle::proxy
