#include "auth/permissions.hpp"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace passerelle::auth {
namespace {

std::shared_ptr<const Account> person(std::string username,
                                      bool admin = false,
                                      std::vector<std::string> groups = {}) {
  Account account;
  account.id = static_cast<store::UserId>(std::hash<std::string>{}(username) % 1000);
  account.username = std::move(username);
  account.groups = std::move(groups);
  account.admin = admin;
  return std::make_shared<const Account>(std::move(account));
}

const std::vector<std::string> kNone;
const std::vector<std::string> kPhysics{"physics"};
const Target kAll;

TEST(Permissions, PeopleMayDoWhatIsTheirs) {
  const Principal alice = principal_of(person("alice"));
  EXPECT_TRUE(allowed(alice, "access:servers", Target::of_server("alice", "", kNone)));
  EXPECT_TRUE(allowed(alice, "start:servers", Target::of_server("alice", "gpu", kNone)));
  EXPECT_TRUE(allowed(alice, "read:tokens", Target::of_user("alice", kNone, false)));
  EXPECT_FALSE(allowed(alice, "access:servers", Target::of_server("bob", "", kNone)));
  EXPECT_FALSE(allowed(alice, "access:servers", Target::of_server("alice2", "", kNone)));
  EXPECT_FALSE(allowed(alice, "list:users", kAll));
  EXPECT_FALSE(allowed(alice, "admin:users", Target::of_user("alice", kNone, false)));
}

TEST(Permissions, AdministratorsMayDoAll) {
  const Principal root = principal_of(person("root", true));
  for (const ScopeName what :
       {ScopeName("admin:users"), ScopeName("list:users"), ScopeName("servers"),
        ScopeName("shutdown"), ScopeName("admin:server_state")})
    EXPECT_TRUE(allowed(root, what, kAll)) << what.text();
  EXPECT_TRUE(allowed(root, "admin:users", Target::of_user("bob", kNone, true)));
}

// GHSA-69wv-m5fw-2fhp: rights over one group are no rights over the collection, nor over other
// groups.
TEST(Permissions, Ghsa69wv_AFilteredScopeNeverAnswersUnfiltered) {
  const auto root = person("root", true);
  for (const char* scope :
       {"admin:users!group=physics", "admin:users!user=alice", "admin:users!server=alice/"}) {
    const Principal token = *principal_of(root, {scope});
    EXPECT_FALSE(allowed(token, "admin:users", kAll)) << scope;
    EXPECT_FALSE(allowed(token, "list:users", kAll)) << scope;
  }
  const Principal token = *principal_of(root, {"admin:users!group=physics"});
  EXPECT_TRUE(allowed(token, "read:users", Target::of_user("alice", kPhysics, false)));
  EXPECT_FALSE(allowed(token, "read:users", Target::of_user("alice", kNone, false)));
  EXPECT_FALSE(allowed(token, "read:groups", Target::of_group("physics")));
}

// CVE-2024-41942: the scope admin:users alone neither makes nor touches an administrator.
TEST(Permissions, Cve2024_41942_OnlyAnAdministratorEditsOrMakesOne) {
  const Principal token = *principal_of(person("root", true), {"admin:users"});
  EXPECT_TRUE(allowed(token, "admin:users", Target::of_user("bob", kNone, false)));
  EXPECT_FALSE(allowed(token, "admin:users", Target::of_user("bob", kNone, true)));
  EXPECT_FALSE(allowed(token, "delete:users", Target::of_user("bob", kNone, true)));
  EXPECT_TRUE(allowed(token, "read:users", Target::of_user("bob", kNone, true)));
  const Principal whole = *principal_of(person("root", true), {"inherit"});
  EXPECT_TRUE(allowed(whole, "admin:users", Target::of_user("bob", kNone, true)));
}

TEST(Permissions, ATokenIsNoStrongerThanItsOwnerIsNow) {
  const Principal was_admin = *principal_of(person("alice"), {"admin:users", "access:servers"});
  EXPECT_FALSE(allowed(was_admin, "admin:users", Target::of_user("alice", kNone, false)));
  EXPECT_FALSE(allowed(was_admin, "access:servers", Target::of_server("bob", "", kNone)));
  EXPECT_TRUE(allowed(was_admin, "access:servers", Target::of_server("alice", "", kNone)));
  const Principal empty = *principal_of(person("alice"), {});
  EXPECT_FALSE(allowed(empty, "read:users:name", Target::of_user("alice", kNone, false)));
}

TEST(Permissions, ServerFiltersNameOneServer) {
  const Principal token = *principal_of(person("root", true), {"access:servers!server=alice/gpu"});
  EXPECT_TRUE(allowed(token, "access:servers", Target::of_server("alice", "gpu", kNone)));
  EXPECT_FALSE(allowed(token, "access:servers", Target::of_server("alice", "", kNone)));
  EXPECT_FALSE(allowed(token, "access:servers", Target::of_server("alice", "gpu2", kNone)));
  const Principal standard = *principal_of(person("root", true), {"access:servers!server=alice/"});
  EXPECT_TRUE(allowed(standard, "access:servers", Target::of_server("alice", "", kNone)));
  EXPECT_FALSE(allowed(standard, "access:servers", Target::of_server("alice", "gpu", kNone)));
}

TEST(Permissions, NobodyHandsOutMoreThanTheyHave) {
  const auto alice = person("alice");
  const auto bob = person("bob");
  const Principal session = principal_of(alice);
  EXPECT_TRUE(may_hand_out(session, *alice, {"inherit"}));
  EXPECT_TRUE(may_hand_out(session, *alice, {"self"}));
  EXPECT_TRUE(
      may_hand_out(session, *alice, {"access:servers!server=alice/gpu", "read:users!user"}));
  EXPECT_EQ(may_hand_out(session, *alice, {"access:servers"}).error().code(), Errc::forbidden);
  EXPECT_EQ(may_hand_out(session, *alice, {"access:servers!server=bob/"}).error().code(),
            Errc::forbidden);
  EXPECT_EQ(may_hand_out(session, *alice, {"access:servers!server=alicex/"}).error().code(),
            Errc::forbidden);
  EXPECT_EQ(may_hand_out(session, *bob, {"inherit"}).error().code(), Errc::forbidden);
  EXPECT_EQ(may_hand_out(session, *bob, {"self"}).error().code(), Errc::forbidden);
  EXPECT_EQ(may_hand_out(session, *alice, {"acess:servers"}).error().code(), Errc::invalid);
  const Principal narrow = *principal_of(alice, {"tokens!user", "read:users!user"});
  EXPECT_EQ(may_hand_out(narrow, *alice, {"inherit"}).error().code(), Errc::forbidden);
  EXPECT_EQ(may_hand_out(narrow, *alice, {"access:servers!user"}).error().code(), Errc::forbidden);
  EXPECT_TRUE(may_hand_out(narrow, *alice, {"read:users:name!user"}));
}

TEST(Scopes, AreParsedStrictly) {
  const auto added = [](std::string_view scope) { return ScopeSet().add(scope, "alice"); };
  for (const char* scope :
       {"read:users", "read:users!user=bob", "read:users!user", "read:groups!group=a b",
        "access:servers!server=bob/", "access:servers!server=bob/gpu", "self"})
    EXPECT_TRUE(added(scope)) << scope;
  for (const char* scope : {"", "all", "inherit", "Read:users", "read:users ", "read:users!",
                            "read:users!user=", "read:users!user=a!group=b", "read:users!team=x",
                            "read:users!group", "read:users!server", "access:servers!server=bob",
                            "access:servers!server=/x", "custom:x", "self!user=bob"})
    EXPECT_EQ(added(scope).error().code(), Errc::invalid) << scope;
}

// ---- the same rules once more, written differently: sets of everything a scope opens in a small
// world ----

struct World {
  std::map<std::string, std::vector<std::string>> groups_of{
      {"a", {"g"}}, {"b", {"g", "h"}}, {"c", {}}};
  std::vector<std::string> servers{"", "s"};
};

// An act: "scope|target", the target written out.
using Acts = std::set<std::string>;

std::map<std::string, std::vector<std::string>> model_implications() {
  return {
      {"admin:users",
       {"admin:auth_state", "users", "read:roles:users", "delete:users", "read:users", "list:users",
        "users:activity", "read:users:name", "read:users:groups", "read:users:activity"}},
      {"servers", {"read:servers", "start:servers", "delete:servers", "read:users:name"}},
      {"read:users", {"read:users:name", "read:users:groups", "read:users:activity"}},
      {"tokens", {"read:tokens"}},
      {"groups", {"read:groups", "list:groups", "read:groups:name"}},
      {"access:servers", {}},
      {"shutdown", {}}};
}

Acts opened_by(const World& world,
               const std::string& name,
               const std::string& kind,
               const std::string& value) {
  Acts acts;
  std::vector<std::string> names = model_implications().at(name);
  names.push_back(name);
  for (const std::string& what : names) {
    if (kind.empty()) acts.insert(what + "|*");
    for (const char* group : {"g", "h"})
      if (kind.empty() || (kind == "group" && value == group))
        acts.insert(what + "|group:" + group);
    for (const auto& [user, groups] : world.groups_of) {
      const bool in_group = kind == "group" && std::count(groups.begin(), groups.end(), value) > 0;
      const bool whole = kind.empty() || (kind == "user" && value == user) || in_group;
      if (whole) acts.insert(what + "|user:" + user);
      for (const std::string& server : world.servers)
        if (whole || (kind == "server" && value == user + "/" + server))
          acts.insert(what + "|server:" + user + "/" + server);
    }
  }
  return acts;
}

template <class List, class Random>
const auto& one_of(const List& list, Random& random) {
  return list[random() % std::size(list)];
}

TEST(Permissions, AgreeWithAnIndependentModel) {
  const World world;
  std::mt19937 random(20261122);
  const std::vector<std::string> names{"admin:users", "servers",        "read:users", "tokens",
                                       "groups",      "access:servers", "shutdown"};
  const std::vector<std::pair<std::string, std::string>> filters{
      {"", ""},       {"user", "a"},    {"user", "b"},    {"group", "g"},
      {"group", "h"}, {"server", "a/"}, {"server", "b/s"}};
  int granted = 0;
  for (int round = 0; round < 20'000; ++round) {
    ScopeSet set;
    Acts expected;
    for (std::size_t i = 0; i < random() % 4; ++i) {
      const auto& [kind, value] = one_of(filters, random);
      const std::string& name = one_of(names, random);
      ASSERT_TRUE(set.add(kind.empty() ? name : name + "!" + kind + "=" + value, "a"));
      expected.merge(opened_by(world, name, kind, value));
    }
    const std::string_view asked = one_of(kScopeNames, random);
    const ScopeName what = *ScopeName::parse(asked);
    EXPECT_EQ(set.satisfies(what, Target{}), expected.contains(std::string(asked) + "|*")) << asked;
    for (const char* group : {"g", "h"})
      EXPECT_EQ(set.satisfies(what, Target::of_group(group)),
                expected.contains(std::string(asked) + "|group:" + group));
    for (const auto& [user, groups] : world.groups_of) {
      EXPECT_EQ(set.satisfies(what, Target::of_user(user, groups, false)),
                expected.contains(std::string(asked) + "|user:" + user));
      for (const std::string& server : world.servers) {
        const bool yes = set.satisfies(what, Target::of_server(user, server, groups));
        EXPECT_EQ(yes, expected.contains(std::string(asked) + "|server:" + user + "/" + server));
        granted += yes ? 1 : 0;
      }
    }
  }
  EXPECT_GT(granted, 5'000);
}

}  // namespace
}  // namespace passerelle::auth
