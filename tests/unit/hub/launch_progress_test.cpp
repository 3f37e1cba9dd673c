#include "hub/launch_progress.hpp"

#include <gtest/gtest.h>

namespace passerelle::hub {
namespace {

struct Seen {
  std::vector<std::size_t> ids;
  std::vector<nlohmann::json> events;
  bool closed = false;
  bool wants_more = true;

  std::size_t follow(LaunchProgress& progress, std::size_t last_id = 0) {
    return progress.follow(
        last_id,
        [this](const LaunchProgress::Event& event) {
          ids.push_back(event.id);
          events.push_back(nlohmann::json::parse(event.json));
          return wants_more;
        },
        [this] { closed = true; });
  }
};

TEST(LaunchProgress, LateReadersSeeAllFromTheStart) {
  LaunchProgress progress("0123456789abcdef");
  progress.step("prepare");
  progress.log("hello\nworld\n");
  Seen late;
  late.follow(progress);
  progress.step("spawn");
  progress.ready("/user/alice/lab");
  ASSERT_TRUE(late.closed);
  EXPECT_EQ(late.events.front()["step"], "prepare");
  EXPECT_EQ(late.events[1]["log"], "hello\nworld\n");
  EXPECT_EQ(late.events.back()["ready"], true);
  EXPECT_EQ(late.events.back()["url"], "/user/alice/lab");
  EXPECT_EQ(late.events.back()["progress"], 100);
  for (std::size_t i = 0; i < late.ids.size(); ++i) EXPECT_EQ(late.ids[i], i + 1);
}

TEST(LaunchProgress, AReconnectedReaderMissesAndRepeatsNothing) {
  LaunchProgress progress("0123456789abcdef");
  progress.step("prepare");
  progress.step("spawn");
  Seen first;
  const std::size_t key = first.follow(progress);
  progress.leave(key);
  progress.step("listen");
  Seen again;
  again.follow(progress, first.ids.back());
  progress.failed(Cause::crashed, "it ended", "ab12");
  ASSERT_TRUE(again.closed);
  EXPECT_FALSE(first.closed);
  EXPECT_EQ(again.ids.front(), first.ids.back() + 1);
  EXPECT_EQ(again.events.back()["cause"], "crashed");
  EXPECT_EQ(again.events.back()["failed"], true);
}

TEST(LaunchProgress, AReaderThatWantsNoMoreIsForgotten) {
  LaunchProgress progress("0123456789abcdef");
  Seen seen;
  seen.follow(progress);
  seen.wants_more = false;
  progress.step("prepare");
  progress.step("spawn");
  EXPECT_EQ(seen.ids.size(), 1U);
}

TEST(LaunchProgress, KeepsTheLastLinesAndSurvivesAnyBytes) {
  LaunchProgress progress("0123456789abcdef");
  progress.step("spawn");
  for (int i = 0; i < 5000; ++i) progress.log("line " + std::to_string(i) + "\n");
  progress.log("\xff\xfe broken \x01\n");
  EXPECT_NE(progress.log_tail(2).find("line 4999"), std::string::npos);
  EXPECT_EQ(progress.log_tail(2).find("line 4990"), std::string::npos);
  Seen late;
  late.follow(progress);
  EXPECT_LE(late.ids.size(), 1000U);
}

TEST(LaunchProgress, TellsThePlaceInTheQueue) {
  LaunchProgress progress("0123456789abcdef");
  Seen seen;
  seen.follow(progress);
  progress.step("queued");
  progress.queued(3, 12);
  EXPECT_EQ(progress.queue_position(), 3U);
  EXPECT_EQ(seen.events.back()["queue"]["of"], 12);
  progress.step("prepare");
  EXPECT_EQ(progress.queue_position(), 0U);
}

}  // namespace
}  // namespace passerelle::hub
