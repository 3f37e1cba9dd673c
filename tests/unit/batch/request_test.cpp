// What a launch asks of the cluster, and what it may not ask.
#include "spawners/batch/request.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace passerelle::spawners::batch {
namespace {

ServerSpec spec() {
  ServerSpec made;
  made.launch_id = "0123456789abcdef";
  made.username = "alice";
  made.base_path = "/user/alice/";
  made.secret = "very secret";
  made.profile.command = {"jupyter-lab"};
  made.values = {{"cores", "4"}, {"hours", "2"}, {"project", "pr-hpc"}};
  made.claims = {{"uid", {"alice1"}}};
  return made;
}

config::BatchProfile profile() {
  config::BatchProfile made;
  made.resources = "/nodes=1/core={cores}";
  made.walltime = "{hours}:00:00";
  made.project = "{project}";
  return made;
}

TEST(Request, FillsInTheForm) {
  const auto wish = wish_of({}, profile(), spec(), "n");
  ASSERT_TRUE(wish) << wish.error().message();
  EXPECT_EQ(wish->resources, "/nodes=1/core=4");
  EXPECT_EQ(wish->walltime, "2:00:00");
  EXPECT_EQ(wish->project, "pr-hpc");
  EXPECT_EQ(wish->checkpoint, 30U);
}

TEST(Request, TakesNoValueThatIsMoreThanAWord) {
  for (const std::string bad :
       {"a b", "x' OR '1'='1", "a\nb", "-x", "$(id)", "a;b", "(1)", "été"}) {
    ServerSpec odd = spec();
    odd.values["project"] = bad;
    const auto wish = wish_of({}, profile(), odd, "n");
    ASSERT_FALSE(wish) << bad;
    EXPECT_EQ(wish.error().cause(), Cause::values_invalid);
    EXPECT_TRUE(wish.error().message().starts_with("project: ")) << wish.error().message();
  }
}

TEST(Request, FindsTheAccount) {
  EXPECT_EQ(*account_of("{username}", spec()), "alice");
  EXPECT_EQ(*account_of("{claim.uid}", spec()), "alice1");
  EXPECT_FALSE(account_of("{claim.none}", spec()));
  for (const std::string bad : {"-u root", "a b", "../x", "été", ""}) {
    ServerSpec odd = spec();
    odd.username = bad;
    EXPECT_FALSE(account_of("{username}", odd)) << bad;
  }
}

TEST(Request, TellsJupyterOfItsCertificates) {
  const auto command = command_of(spec(), "alice", false);
  ASSERT_TRUE(command);
  const auto has = [&](const std::string& word) {
    return std::find(command->begin(), command->end(), word) != command->end();
  };
  EXPECT_TRUE(has("--ServerApp.ip=0.0.0.0"));
  EXPECT_TRUE(has("--ServerApp.port=\x01"));
  EXPECT_TRUE(has("--ServerApp.client_ca=\x02/client-ca.crt"));
  EXPECT_TRUE(has("--ServerApp.root_dir=\x03"));
  for (const std::string& word : *command) EXPECT_EQ(word.find("very secret"), std::string::npos);
  const auto environment = environment_of(spec(), "alice", false);
  EXPECT_EQ(environment->at("JUPYTER_TOKEN"), "very secret");
  EXPECT_FALSE(environment->contains("PATH"));
}

TEST(Request, ReadsWalltimes) {
  EXPECT_EQ(walltime_of("1:30:00")->count(), 5400);
  EXPECT_EQ(walltime_of("2")->count(), 7200);
  EXPECT_EQ(walltime_of("0:01:00")->count(), 60);
  for (const char* bad : {"", "0", "1:2:3:4", "-1", "1h", "1:", "0:00:00"})
    EXPECT_FALSE(walltime_of(bad)) << bad;
}

}  // namespace
}  // namespace passerelle::spawners::batch
