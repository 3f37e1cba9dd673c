// Groups of a real directory: each way of finding them, nested, paged, and closed when in doubt.
#include <gmock/gmock.h>

#include "tests/peer/ldap/planet.hpp"

namespace passerelle::auth::ldap_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> groups(const std::string& uid, const Planet::Change& change) {
  Planet planet(change);
  return planet.in(uid, uid + "-pass").identity.groups;
}

Planet::Change lookup(std::vector<std::string> ways) {
  return [ways = std::move(ways)](auto& settings) { settings.ldap.group_lookup = ways; };
}

TEST(LdapGroups, EachWay) {
  EXPECT_THAT(groups("leela", lookup({"member"})), ElementsAre("crew", "pilots"));
  EXPECT_THAT(groups("leela", lookup({"memberUid"})), ElementsAre("hpc (gpu)"));
  EXPECT_THAT(groups("leela", lookup({"gidNumber"})), ElementsAre("staff"));
  EXPECT_THAT(groups("leela", lookup({"memberOf"})), ElementsAre("crew", "pilots"));
  EXPECT_THAT(groups("prof", lookup({"uniqueMember"})), ElementsAre("teachers"));
  EXPECT_THAT(groups("prof", lookup({"member"})), IsEmpty());
  EXPECT_THAT(groups("leela", lookup({})), ElementsAre("crew", "hpc (gpu)", "pilots", "staff"));
}

// Who may make groups in some other branch makes nobody an administrator.
TEST(LdapGroups, OnlyThoseBelowTheBaseCount) {
  EXPECT_THAT(groups("fry", lookup({"memberOf"})), ElementsAre("crew"));
  const auto anywhere = [](auto& settings) { settings.ldap.group_base.clear(); };
  EXPECT_THAT(groups("fry", anywhere), ElementsAre("crew", "hub-admins"));
}

TEST(LdapGroups, NestedToTheDepthThatIsAsked) {
  for (const char* way : {"member", "memberOf"}) {
    const auto depth = [&](std::uint32_t levels) {
      return groups("fry", [&](auto& settings) {
        settings.ldap.group_lookup = {way};
        settings.ldap.nested_groups = levels;
      });
    };
    EXPECT_THAT(depth(0), ElementsAre("crew")) << way;
    EXPECT_THAT(depth(1), ElementsAre("crew", "everyone")) << way;
    EXPECT_THAT(depth(2), ElementsAre("crew", "everyone", "planet")) << way;
    EXPECT_THAT(depth(10), ElementsAre("crew", "everyone", "planet", "universe")) << way;
  }
}

TEST(LdapGroups, ALoopEnds) {
  for (const char* way : {"member", "memberOf"}) {
    const auto found = groups("mom", [&](auto& settings) {
      settings.ldap.group_lookup = {way};
      settings.ldap.nested_groups = 10;
    });
    EXPECT_THAT(found, ElementsAre("loop-a", "loop-b", "loop-c")) << way;
  }
}

// The lookup account gets five entries at a time: only pages bring all nine.
TEST(LdapGroups, MoreThanTheSizeLimitComeInPages) {
  EXPECT_EQ(groups("zoidberg", lookup({"member"})).size(), 9U);
}

TEST(LdapGroups, NamesAndPrefix) {
  const auto found = groups("prof", [](auto& settings) {
    settings.groups = {"univ"};
    settings.ldap.group_lookup = {"uniqueMember"};
    settings.ldap.group_name = "dn";
    settings.ldap.group_prefix = "lab:";
  });
  EXPECT_THAT(found, ElementsAre("lab:cn=teachers,ou=groups,dc=planet,dc=example", "univ"));
}

TEST(LdapGroups, AFilterPicksSome) {
  const auto found =
      groups("leela", [](auto& settings) { settings.ldap.group_filter = "(cn=p*)"; });
  EXPECT_THAT(found, ElementsAre("pilots"));
}

// CVE-2018-7206's rule: a group lookup that fails lets nobody in with fewer groups, or none.
TEST(LdapGroups, Cve2018_7206_AFailedLookupIsClosed) {
  Planet planet([](auto& settings) { settings.ldap.group_base = "ou=nowhere," + kBase; });
  EXPECT_EQ(planet.ask(Planet::right()).error().code(), Errc::unavailable);
  Planet odd([](auto& settings) { settings.ldap.group_filter = "(cn=*"; });
  EXPECT_EQ(odd.ask(Planet::right()).error().code(), Errc::unavailable);
}

TEST(LdapGroups, RequiredOnesAreComparedAsNamesAndAsDns) {
  const auto required = [](std::string name) {
    return [name = std::move(name)](auto& settings) {
      settings.ldap.group_name = "dn";
      settings.ldap.require_groups = {name};
    };
  };
  Planet dn(required("CN=Crew, OU=groups, DC=planet,DC=example"));
  EXPECT_EQ(dn.in("fry", "fry-pass").identity.subject, "fry");
  EXPECT_EQ(dn.out("zoe", "zoé-päss wörd").code, "not-in-group");
}

}  // namespace
}  // namespace passerelle::auth::ldap_test
