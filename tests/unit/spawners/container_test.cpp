// Names and images as containers and pods carry them.
#include "spawners/container.hpp"

#include <set>

#include <gtest/gtest.h>

namespace passerelle::spawners {
namespace {

TEST(SafeName, PlainNamesStay) {
  for (const char* name : {"alice", "a", "a-b", "x1", "abc-def-1"})
    EXPECT_EQ(safe_name(name), name);
  EXPECT_EQ(safe_name("alice", ""), "alice");
  EXPECT_EQ(safe_name("alice", "lab"), "alice--lab");
}

TEST(SafeName, OthersBecomeReadableAndStayApart) {
  EXPECT_EQ(safe_name("Alice").substr(0, 8), "alice---");
  EXPECT_EQ(safe_name("jo@example.org").substr(0, 17), "jo-example-org---");
  EXPECT_EQ(safe_name("1st").substr(0, 8), "x-1st---");
  std::set<std::string> seen;
  const std::vector<std::string> names = {"alice",
                                          "Alice",
                                          "ALICE",
                                          "alice-",
                                          "-alice",
                                          "al--ice",
                                          "a.lice",
                                          "a_lice",
                                          "",
                                          "-",
                                          "\xc3\xa9",
                                          "1",
                                          std::string(49, 'a'),
                                          std::string(50, 'a'),
                                          std::string(300, 'a'),
                                          "alice---2bd806c9"};
  for (const std::string& name : names) {
    const std::string safe = safe_name(name);
    EXPECT_TRUE(seen.insert(safe).second) << name << " is " << safe;
    EXPECT_LE(safe.size(), 48U) << safe;
    EXPECT_EQ(safe.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
    EXPECT_TRUE(safe.front() >= 'a' && safe.front() <= 'z' && safe.back() != '-') << safe;
  }
  for (const auto& [user, server] : std::vector<std::pair<std::string, std::string>>{
           {"a", "b-c"},
           {"a-b", "c"},
           {"a--b", "c"},
           {"a", "b--c"},
           {"A", "b"},
           {"a", "B"},
           {std::string(40, 'a'), std::string(40, 'b')}}) {
    const std::string safe = safe_name(user, server);
    EXPECT_TRUE(seen.insert(safe).second) << user << " " << server << " is " << safe;
    EXPECT_LE(safe.size(), 48U) << safe;
  }
}

TEST(AllowedImage, WhatTheProfileNamesIsTheOperatorsChoice) {
  EXPECT_EQ(*allowed_image("quay.io/jupyter/base:1", {}, {}), "quay.io/jupyter/base:1");
  EXPECT_FALSE(allowed_image("", {}, {}));
  EXPECT_FALSE(allowed_image("base:1 --privileged", {}, {}));
  EXPECT_FALSE(allowed_image("{image}", {}, {"*"}));
}

TEST(AllowedImage, WhatAPersonChoosesMustBeAllowed) {
  const std::vector<std::string> patterns = {"lab/*:2026-*"};
  EXPECT_TRUE(allowed_image("{i}", {{"i", "lab/base:2026-01"}}, patterns));
  for (const char* chosen :
       {"lab/base:2025-01", "lab/sub/base:2026-01", "evil/base:2026-01", "lab/../evil:2026-1",
        "lab/base:2026-1?x", "lab/base:2026-1/../x", "lab//a:2026-1"})
    EXPECT_FALSE(allowed_image("{i}", {{"i", chosen}}, patterns)) << chosen;
  EXPECT_FALSE(allowed_image("{i}", {{"i", "lab/base:2026-01"}}, {}));
}

TEST(PlanContainer, HoldsNothingOfThisMachine) {
  ServerSpec spec;
  spec.username = "alice";
  spec.base_path = "/user/alice/";
  spec.secret = "secret";
  spec.profile.command = {"jupyter-lab"};
  spec.profile.environment = {{"HOME", "/home/jovyan"}};
  Surrounding place;
  place.user = "u";
  place.workspace = "/home/jovyan";
  place.port = 8888;
  const auto plan = plan_container(spec, place);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->environment.at("HOME"), "/home/jovyan");
  EXPECT_EQ(plan->environment.at("JUPYTER_TOKEN"), "secret");
  for (const char* name : {"PATH", "LANG", "USER", "SHELL", "PASSERELLE_SOCKET"})
    EXPECT_FALSE(plan->environment.contains(name)) << name;
  std::string words;
  for (const std::string& word : plan->command) words += word + " ";
  EXPECT_NE(words.find("--ServerApp.ip=0.0.0.0 --ServerApp.port=8888"), std::string::npos) << words;
  EXPECT_EQ(words.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace passerelle::spawners
