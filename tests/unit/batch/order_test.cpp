// The helper's rules: what it takes, what it refuses, and that a shell reads back exactly what was
// asked for.
#include "spawners/batch/submit/order.hpp"

#include <gtest/gtest.h>

#include "spawners/batch/submit/run.hpp"

namespace passerelle::spawners::batch::submit {
namespace {

using nlohmann::json;

json submission() {
  Wish wish;
  wish.name = "passerelle-abcdef-0123456789abcdef";
  wish.walltime = "1:00:00";
  return {{"verb", "submit"},
          {"system", "oar"},
          {"user", "alice"},
          {"launch", "0123456789abcdef"},
          {"wish", to_json(wish)},
          {"command", {"jupyter-lab"}},
          {"environment", {{"A", "b"}}},
          {"prologue", json::array()},
          {"settings", {{"URL", "http://x/"}}},
          {"files", {{"hdr", "k"}}}};
}

TEST(Order, IsReadWhole) {
  const auto order = order_from_json(submission().dump());
  ASSERT_TRUE(order) << order.error().message();
  EXPECT_EQ(order->verb, Verb::submit);
  EXPECT_EQ(order->wish.walltime, "1:00:00");
}

TEST(Order, IsRefusedWhenAnythingIsOdd) {
  const auto refused = [](const char* pointer, const json& value) {
    json changed = submission();
    changed[json::json_pointer(pointer)] = value;
    return !order_from_json(changed.dump());
  };
  EXPECT_TRUE(refused("/launch", "../../../etc"));
  EXPECT_TRUE(refused("/launch", "0123456789ABCDEF"));
  EXPECT_TRUE(refused("/system", "pbs"));
  EXPECT_TRUE(refused("/verb", "shell"));
  EXPECT_TRUE(refused("/files/..~1.bashrc", "x"));
  EXPECT_TRUE(refused("/files/start", "x"));
  EXPECT_TRUE(refused("/environment/A=B;id", "x"));
  EXPECT_TRUE(refused("/wish/project", "-x"));
  EXPECT_TRUE(refused("/wish/project", "a\n#OAR -l /nodes=9"));
  EXPECT_TRUE(refused("/wish/name", "a;b"));
  EXPECT_TRUE(refused("/wish/walltime", "for ever"));
  EXPECT_TRUE(refused("/prologue", json::array({"module load x\nrm -rf ~"})));
  EXPECT_TRUE(refused("/command", json::array()));
  EXPECT_FALSE(order_from_json(R"({"verb":"delete","system":"oar","user":"a","job":"1;id"})"));
  EXPECT_FALSE(
      order_from_json(R"({"verb":"signal","system":"oar","user":"a","job":"1","signal":"KILL"})"));
  EXPECT_FALSE(
      order_from_json(R"({"verb":"find","system":"oar","user":"","name":"x' OR '1'='1"})"));
}

TEST(Order, AnEstimateNeedsAWishOnly) {
  json order = submission();
  order["verb"] = "estimate";
  for (const char* name : {"launch", "command", "environment", "prologue", "settings", "files"})
    order.erase(name);
  EXPECT_TRUE(order_from_json(order.dump()));
  order["wish"]["queue"] = "-x";
  EXPECT_FALSE(order_from_json(order.dump()));
}

/// Whatever stands in an argument, a shell makes exactly that of it again.
TEST(Order, QuotesForTheShell) {
  Order order;
  order.command = {"it's", "$(id)", "`id`", "a\nb", "\\", "*", "", "-x", "é;|&<>\"", "\x01/\x02"};
  order.environment = {{"SECRET", "a'b\nexport PATH=/evil"}};
  const std::string script = "PORT=8; dir=/d\n" + command_file(order) +
                             "printf '%s\\037' \"$SECRET\" \"$@\"; printf '%s' \"$PATH\"";
  const Answer answer = run({"sh", "-c", script}, "", std::chrono::seconds(10));
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(
      answer.out.substr(0, answer.out.rfind('\037') + 1),
      "a'b\nexport "
      "PATH=/evil\037it's\037$(id)\037`id`\037a\nb\037\\\037*\037\037-x\037é;|&<>\"\0378//d\037");
  EXPECT_EQ(answer.out.find("/evil", answer.out.rfind('\037')), std::string::npos);
}

TEST(Run, LeavesWhatHangs) {
  const auto begun = std::chrono::steady_clock::now();
  const Answer hung =
      run({"sh", "-c", "trap '' TERM; echo begun; sleep 60"}, "", std::chrono::milliseconds(300));
  EXPECT_TRUE(hung.timed_out);
  EXPECT_EQ(hung.out, "begun\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

/// Whom a command leaves behind may hold its pipes; nobody waits for that.
TEST(Run, APartOfAnAnswerIsNone) {
  const Answer answer = run({"head", "-c", "20000000", "/dev/zero"}, {}, std::chrono::seconds(20));
  EXPECT_TRUE(answer.timed_out);
}

TEST(Run, DoesNotWaitForWhoeverHoldsThePipes) {
  const auto begun = std::chrono::steady_clock::now();
  const Answer answer = run({"sh", "-c", "sleep 20 & echo done"}, "", std::chrono::seconds(15));
  EXPECT_FALSE(answer.timed_out);
  EXPECT_EQ(answer.out, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST(Run, PassesNothingOfOurEnvironment) {
  ::setenv("GATEWAY_SECRET", "x", 1);
  const Answer answer = run({"env"}, "", std::chrono::seconds(10));
  EXPECT_EQ(answer.out.find("GATEWAY_SECRET"), std::string::npos);
  EXPECT_NE(answer.out.find("SLURM_TIME_FORMAT=%s"), std::string::npos);
}

}  // namespace
}  // namespace passerelle::spawners::batch::submit
