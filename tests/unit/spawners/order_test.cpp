#include "spawners/local/order.hpp"

#include <gtest/gtest.h>

#include "spawners/local/local.hpp"

namespace passerelle::spawners::local {
namespace {

TEST(Order, ComesBackAsItWas) {
  Order order;
  order.launch_id = "0123456789abcdef";
  order.command = {"jupyter", "lab"};
  order.environment = {{"A", "b\"\n"}};
  order.workspace = "/w";
  order.port = 8123;
  order.run_as = RunAs{1000, 1001, {1001, 27}};
  order.limits = {1U << 30U, 1.5, 200};
  order.stop = {1, 2, 3};
  const auto back = decode_order(encode(order));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->command, order.command);
  EXPECT_EQ(back->environment, order.environment);
  EXPECT_EQ(back->port, order.port);
  ASSERT_TRUE(back->run_as);
  EXPECT_EQ(back->run_as->groups, order.run_as->groups);
  EXPECT_EQ(back->limits.memory, order.limits.memory);
  EXPECT_EQ(back->stop.kill, 3);
  EXPECT_EQ(encode(order).find('\n'), std::string::npos) << "a line is an order";
}

TEST(Order, WithoutAUserMeansOurOwn) {
  const auto back = decode_order(encode(Order()));
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->run_as);
}

TEST(Records, AnythingElseIsAnErrorAndNoException) {
  for (const char* text : {"", "[]", "{}", "{\"exit_code\":\"3\"}", "{\"boot_id\":", "\xff\xfe"}) {
    EXPECT_FALSE(decode_order(text)) << text;
    EXPECT_FALSE(decode_started(text)) << text;
    EXPECT_FALSE(decode_exit(text)) << text;
  }
}

TEST(Records, ATailThatIsNoTextSurvives) {
  ExitRecord record;
  record.tail = "caf\xe9 \x01 end";
  const auto back = decode_exit(encode(record));
  ASSERT_TRUE(back);
  EXPECT_NE(back->tail.find(" end"), std::string::npos);
}

TEST(LivenessOf, ACauseOnlyWhenItEndedBadlyByItself) {
  ExitRecord record;
  EXPECT_EQ(liveness_of(record).cause, std::nullopt);
  record.exit_code = 137;
  EXPECT_EQ(liveness_of(record).cause, Cause::crashed);
  record.oom_kills = 1;
  EXPECT_EQ(liveness_of(record).cause, Cause::out_of_memory);
  record.stopped = true;
  EXPECT_EQ(liveness_of(record).cause, std::nullopt);
  EXPECT_EQ(liveness_of(record).exit_code, 137);
}

}  // namespace
}  // namespace passerelle::spawners::local
