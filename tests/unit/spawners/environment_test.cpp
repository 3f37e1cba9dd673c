#include "spawners/environment.hpp"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passerelle::spawners {
namespace {

ServerSpec spec() {
  ServerSpec one;
  one.launch_id = "0123456789abcdef";
  one.username = "alice";
  one.base_path = "/user/alice/";
  one.secret = "s3cret";
  return one;
}

Surrounding place() {
  Surrounding where;
  where.user = "alice";
  where.home = "/home/alice";
  where.workspace = "/home/alice/work";
  where.runtime = "/run/x/server";
  where.socket = "/run/x/server/socket";
  return where;
}

TEST(Environment, HoldsTheServersOwnVariablesAndNothingElseOfOurs) {
  ::setenv("PASSERELLE_DATABASE_KEY", "ours", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "ours too", 1);
  const auto all = environment_for(spec(), place());
  ASSERT_TRUE(all);
  EXPECT_EQ(all->count("PASSERELLE_DATABASE_KEY"), 0U);
  EXPECT_EQ(all->count("AWS_SECRET_ACCESS_KEY"), 0U);
  EXPECT_EQ(all->at("HOME"), "/home/alice");
  EXPECT_EQ(all->at("USER"), "alice");
  EXPECT_EQ(all->at("SHELL"), "/bin/sh");
  EXPECT_EQ(all->at("JUPYTER_TOKEN"), "s3cret");
  EXPECT_EQ(all->at("PASSERELLE_SECRET"), "s3cret");
  EXPECT_EQ(all->at("PASSERELLE_SOCKET"), "/run/x/server/socket");
  EXPECT_EQ(all->at("XDG_RUNTIME_DIR"), "/run/x/server");
  EXPECT_EQ(all->count("PASSERELLE_PORT"), 0U);
  EXPECT_EQ(all->count("MEM_LIMIT"), 0U);
}

TEST(Environment, TellsThePortAndTheLimitsWhenThereAreSome) {
  auto where = place();
  where.socket.clear();
  where.port = 8123;
  where.memory = 1U << 30U;
  where.cpu = 1.5;
  const auto all = environment_for(spec(), where);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->at("PASSERELLE_PORT"), "8123");
  EXPECT_EQ(all->at("MEM_LIMIT"), "1073741824");
  EXPECT_EQ(all->at("CPU_LIMIT"), "1.5");
}

TEST(Environment, TheProfileComesLastButCannotTouchTheSecret) {
  auto one = spec();
  one.profile.environment = {{"LANG", "fr_FR.UTF-8"}, {"COURSE", "spark"}};
  const auto all = environment_for(one, place());
  ASSERT_TRUE(all);
  EXPECT_EQ(all->at("LANG"), "fr_FR.UTF-8");
  EXPECT_EQ(all->at("COURSE"), "spark");
  for (const char* name : {"JUPYTER_TOKEN", "PASSERELLE_SECRET", "PASSERELLE_SOCKET"}) {
    one.profile.environment = {{name, ""}};
    const auto refused = environment_for(one, place());
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().cause(), Cause::values_invalid);
  }
}

TEST(Environment, AServerWithoutASecretIsNeverStarted) {
  auto one = spec();
  one.secret.clear();
  EXPECT_FALSE(environment_for(one, place()));
}

TEST(FillIn, ReplacesNamesOnceAndLeavesOtherBracesAlone) {
  const std::map<std::string, std::string> known = {{"username", "{port}"}, {"port", "81"}};
  EXPECT_EQ(*fill_in("--user={username} -p{port}", known), "--user={port} -p81");
  EXPECT_EQ(*fill_in(R"({"a": {"b": 1}})", known), R"({"a": {"b": 1}})");
  EXPECT_EQ(*fill_in("{{port}} {", known), "{port} {");
  EXPECT_EQ(*fill_in(R"({"port":{port}})", known), R"({"port":81})");
  EXPECT_EQ(*fill_in("{}{{}}{ port}}", known), "{}{{}}{ port}}");
  EXPECT_EQ(*fill_in("", known), "");
}

TEST(FillIn, AnUnknownNameIsAnErrorThatNamesTheKnownOnes) {
  const auto wrong = fill_in("{usrname}", {{"username", "a"}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().cause(), Cause::values_invalid);
  EXPECT_THAT(wrong.error().message(), ::testing::HasSubstr("{username}"));
}

TEST(FillIn, ASecretIsNeverAnArgument) {
  for (const char* word : {"--token={token}", "--password={secret}"}) {
    const auto refused = fill_in(word, placeholders(spec(), place()));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), ::testing::HasSubstr("PASSERELLE_SECRET"));
  }
}

TEST(Placeholders, OurNamesWinOverTheFormsValues) {
  auto one = spec();
  one.values = {{"username", "root"}, {"port", "22"}, {"cores", "4"}};
  const auto known = placeholders(one, place());
  EXPECT_EQ(known.at("username"), "alice");
  EXPECT_EQ(known.at("cores"), "4");
  EXPECT_EQ(known.count("port"), 0U);
}

TEST(PathComponent, IsInjectiveAndNeverLeavesItsDirectory) {
  EXPECT_EQ(path_component("alice"), "alice");
  EXPECT_EQ(path_component(".."), "%2E.");
  EXPECT_EQ(path_component("a/b"), "a%2Fb");
  EXPECT_NE(path_component("a%2Fb"), path_component("a/b"));
  EXPECT_NE(path_component(""), path_component("%"));
}

}  // namespace
}  // namespace passerelle::spawners
