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
        "access:servers!server=bob/", "access:servers!server=bob/gpu", "self", "custom:grades:read",
        "custom:x!group=g", "access:servers!server", "access:services!service=whoami"})
    EXPECT_TRUE(added(scope)) << scope;
  for (const char* scope :
       {"", "all", "inherit", "Read:users", "read:users ", "read:users!",
        "read:users!user=", "read:users!user=a!group=b", "read:users!team=x", "read:users!group",
        "access:servers!server=bob", "access:servers!server=/x", "self!user=bob",
        "custom:", "custom:X", "custom:x y"})
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

// Every implication of JupyterHub's table, written out to its end by hand.
std::map<std::string, std::vector<std::string>> model_implications() {
  return {
      {"admin:users",
       {"admin:auth_state", "users", "read:roles:users", "delete:users", "read:users", "list:users",
        "users:activity", "read:users:name", "read:users:groups", "read:users:activity"}},
      {"users",
       {"read:users", "list:users", "users:activity", "read:users:name", "read:users:groups",
        "read:users:activity"}},
      {"list:users", {"read:users:name"}},
      {"users:activity", {"read:users:activity"}},
      {"admin:servers",
       {"admin:server_state", "servers", "read:servers", "start:servers", "delete:servers",
        "read:users:name"}},
      {"servers", {"read:servers", "start:servers", "delete:servers", "read:users:name"}},
      {"read:servers", {"read:users:name"}},
      {"read:users", {"read:users:name", "read:users:groups", "read:users:activity"}},
      {"read:roles", {"read:roles:users", "read:roles:services", "read:roles:groups"}},
      {"tokens", {"read:tokens"}},
      {"admin:groups",
       {"groups", "read:groups", "list:groups", "read:groups:name", "read:roles:groups",
        "delete:groups"}},
      {"groups", {"read:groups", "list:groups", "read:groups:name"}},
      {"list:groups", {"read:groups:name"}},
      {"admin:services",
       {"list:services", "read:services", "read:roles:services", "read:services:name"}},
      {"read:services", {"read:services:name"}},
      {"shares",
       {"access:servers", "read:shares", "users:shares", "groups:shares", "read:users:shares",
        "read:groups:shares"}},
      {"access:servers", {}},
      {"access:services", {}},
      {"proxy", {}},
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
    for (const char* service : {"x", "y"})
      if (kind.empty() || (kind == "service" && value == service))
        acts.insert(what + "|service:" + service);
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

const std::vector<std::pair<std::string, std::string>> kFilters{
    {"", ""},         {"user", "a"},     {"user", "b"},    {"group", "g"},  {"group", "h"},
    {"server", "a/"}, {"server", "b/s"}, {"service", "x"}, {"service", "y"}};

struct Drawn {
  ScopeSet set;
  Acts acts;                     // as the model sees it
  std::set<std::string> groups;  // that filters name
};

template <class Random>
Drawn draw(const World& world, Random& random) {
  Drawn drawn;
  std::vector<std::string> names;
  for (const auto& [name, implied] : model_implications()) names.push_back(name);
  const std::size_t count = random() % 4;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [kind, value] = one_of(kFilters, random);
    const std::string& name = one_of(names, random);
    EXPECT_TRUE(drawn.set.add(kind.empty() ? name : name + "!" + kind + "=" + value, "a"));
    drawn.acts.merge(opened_by(world, name, kind, value));
    if (kind == "group") drawn.groups.insert(value);
  }
  return drawn;
}

// Each target of the small world with its written name.
std::vector<std::pair<std::string, Target>> targets_of(const World& world) {
  std::vector<std::pair<std::string, Target>> all{{"*", Target{}}};
  for (const char* group : {"g", "h"})
    all.emplace_back(std::string("group:") + group, Target::of_group(group));
  for (const char* service : {"x", "y"})
    all.emplace_back(std::string("service:") + service, Target::of_service(service));
  for (const auto& [user, groups] : world.groups_of) {
    all.emplace_back("user:" + user, Target::of_user(user, groups, false));
    for (const std::string& server : world.servers)
      all.emplace_back("server:" + user + "/" + server, Target::of_server(user, server, groups));
  }
  return all;
}

TEST(Permissions, AgreeWithAnIndependentModel) {
  const World world;
  const auto targets = targets_of(world);
  std::mt19937 random(20261122);
  int granted = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Drawn drawn = draw(world, random);
    const std::string_view asked = one_of(kScopeNames, random);
    const ScopeName what = *ScopeName::parse(asked);
    for (const auto& [name, target] : targets) {
      const bool yes = drawn.set.satisfies(what, target);
      EXPECT_EQ(yes, drawn.acts.contains(std::string(asked) + "|" + name)) << asked << " " << name;
      granted += yes ? 1 : 0;
    }
  }
  EXPECT_GT(granted, 5'000);
}

// What a service is told of a token must be what the token opens: no more, and no less but where
// two groups would have to be written as one filter.
TEST(Permissions, AnIntersectionIsWhatBothOpen) {
  const World world;
  const auto targets = targets_of(world);
  const Membership members = [&](std::string_view user, std::string_view group) {
    const auto at = world.groups_of.find(std::string(user));
    return at != world.groups_of.end() &&
           std::count(at->second.begin(), at->second.end(), group) > 0;
  };
  std::mt19937 random(11);
  int common = 0;
  int inexact = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Drawn a = draw(world, random);
    const Drawn b = draw(world, random);
    const ScopeSet both = a.set.intersection(b.set, members);
    std::set<std::string> groups = a.groups;
    groups.insert(b.groups.begin(), b.groups.end());
    for (const auto& [name, target] : targets)
      for (const std::string_view scope : kScopeNames) {
        const std::string act = std::string(scope) + "|" + name;
        const bool expected = a.acts.contains(act) && b.acts.contains(act);
        const bool told = both.satisfies(*ScopeName::parse(scope), target);
        EXPECT_FALSE(told && !expected) << act;
        if (expected && !told) {
          EXPECT_EQ(groups.size(), 2U) << act;
          ++inexact;
        }
        common += told ? 1 : 0;
      }
    // What both have can be passed on by either; what only one has cannot by the other.
    EXPECT_EQ(a.set.beyond(both, members), "");
    EXPECT_EQ(b.set.beyond(both, members), "");
    EXPECT_EQ(both.texts(), b.set.intersection(a.set, members).texts());
  }
  EXPECT_GT(common, 2'000);
  EXPECT_LT(inexact, common / 5);
}

TEST(Permissions, WithoutMembersAGroupCoversNobody) {
  ScopeSet held;
  ASSERT_TRUE(held.add("access:servers!group=g", "root"));
  ScopeSet asked;
  ASSERT_TRUE(asked.add("access:servers!user=a", "root"));
  EXPECT_EQ(held.beyond(asked, {}), "access:servers!user=a");
  EXPECT_EQ(held.beyond(asked, [](auto, auto) { return true; }), "");
  EXPECT_TRUE(held.intersection(asked, {}).grants().empty());
}

TEST(Scopes, OwnerRelativeFiltersMeanTheOwner) {
  ScopeSet of_server;
  ASSERT_TRUE(of_server.add("access:servers!server", Owner{"alice", "alice/gpu"}));
  ASSERT_TRUE(of_server.add("users:activity!user", Owner{"alice", "alice/gpu"}));
  EXPECT_EQ(of_server.texts(), (std::vector<std::string>{"access:servers!server=alice/gpu",
                                                         "read:users:activity!user=alice",
                                                         "users:activity!user=alice"}));
  ScopeSet of_service;  // it has no user and no server: nothing is opened, nor does it fail
  for (const char* scope : {"self", "read:users!user", "access:servers!server"})
    ASSERT_TRUE(of_service.add(scope, Owner{{}, {}, "culler"})) << scope;
  EXPECT_TRUE(of_service.texts().empty());
  ASSERT_TRUE(of_service.add("read:services!service", Owner{{}, {}, "culler"}));
  EXPECT_EQ(of_service.texts().front(), "read:services!service=culler");
}

TEST(Scopes, CustomOnesAreCarriedAndOpenNothingOfOurs) {
  const Principal token =
      *principal_of(person("root", true), {"custom:grades:read!group=g", "read:hub"});
  EXPECT_EQ(token.narrowed->texts(),
            (std::vector<std::string>{"custom:grades:read!group=g", "read:hub"}));
  EXPECT_EQ(effective(token, {}).texts(), std::vector<std::string>{"read:hub"});
  EXPECT_EQ(may_hand_out(principal_of(person("root", true)), *person("root", true),
                         {"custom:grades:read"})
                .error()
                .code(),
            Errc::forbidden);
}

}  // namespace
}  // namespace passerelle::auth
