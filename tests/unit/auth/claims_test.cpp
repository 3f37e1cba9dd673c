#include "auth/claims.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passerelle::auth {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const json kClaims = {{"sub", "u-1"},
                      {"uid", 4711},
                      {"groups", "crew"},
                      {"realm_access", {{"roles", {"a", "b"}}}},
                      {"https://x.example/groups", {"c"}},
                      {"a/b", {{"c~d", "deep"}}},
                      {"teams", {{{"name", "one"}}, {{"name", "two"}, {"id", 2}}, 7}},
                      {"odd", {"ok", "line\nbreak", std::string(2000, 'x'), nullptr, {"nested"}}}};

TEST(Claims, PathsLeadThroughMembersAndLists) {
  EXPECT_THAT(claims::texts(kClaims, "groups"), ElementsAre("crew"));
  EXPECT_THAT(claims::texts(kClaims, "uid"), ElementsAre("4711"));
  EXPECT_THAT(claims::texts(kClaims, "realm_access.roles"), ElementsAre("a", "b"));
  EXPECT_THAT(claims::texts(kClaims, "https://x.example/groups"), ElementsAre("c"));
  EXPECT_THAT(claims::texts(kClaims, "/a~1b/c~0d"), ElementsAre("deep"));
  EXPECT_THAT(claims::texts(kClaims, "teams.name"), ElementsAre("one", "two"));
  EXPECT_THAT(claims::texts(kClaims, "odd"), ElementsAre("ok"));
  for (const char* nothing :
       {"", "absent", "groups.x", "realm_access", "/", ".", "realm_access..x"})
    EXPECT_THAT(claims::texts(kClaims, nothing), IsEmpty()) << nothing;
  EXPECT_THAT(claims::texts(json(7), "x"), IsEmpty());
}

TEST(Claims, ListsAreBounded) {
  json many = {{"groups", json::array()}};
  for (int i = 0; i < 5000; ++i) many["groups"].push_back("g" + std::to_string(i));
  EXPECT_EQ(claims::texts(many, "groups").size(), 1000U);
}

TEST(Claims, TemplatesAreFilledOrRefused) {
  EXPECT_EQ(*claims::fill("sub", kClaims), "u-1");
  EXPECT_EQ(*claims::fill("{groups}-{uid}", kClaims), "crew-4711");
  for (const char* wrong :
       {"{absent}", "{realm_access.roles}", "{sub", "sub}", "{}", "{{sub}}", ""})
    EXPECT_FALSE(claims::fill(wrong, kClaims)) << wrong;
}

TEST(Claims, GroupsAreTrimmedAndOnce) {
  EXPECT_THAT(claims::group_names({"a", " a ", "", "b;c"}, "", "u:"), ElementsAre("u:a", "u:b;c"));
  EXPECT_THAT(claims::group_names({"a; b", "c"}, "; ", ""), ElementsAre("a", "b", "c"));
  EXPECT_THAT(claims::group_names({std::string(257, 'g')}, "", ""), IsEmpty());
}

TEST(Claims, AMailDomainFollowsTheOnlyAt) {
  EXPECT_EQ(claims::mail_domain("fry@Planet.Example"), "planet.example");
  for (const char* wrong : {"", "fry", "@x.fr", "fry@", "a@b@c.fr", "a@b.fr>", "a@b.fr\t"})
    EXPECT_EQ(claims::mail_domain(wrong), "") << wrong;
}

}  // namespace
}  // namespace passerelle::auth
