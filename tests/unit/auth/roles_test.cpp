#include "auth/roles.hpp"

#include <gtest/gtest.h>

#include "auth/permissions.hpp"
#include "auth/policy.hpp"
#include "config/rbac.hpp"

namespace passerelle::auth {
namespace {

config::Role role(std::string name, std::vector<std::string> scopes) {
  config::Role made;
  made.name = std::move(name);
  made.scopes = std::move(scopes);
  return made;
}

Roles roles_of(config::Rbac rbac) {
  return Roles(std::make_shared<const config::Rbac>(std::move(rbac)));
}

Admitted admitted(const Roles& roles, std::string username, std::vector<std::string> groups) {
  config::Access access;
  access.allow.everyone = true;
  const Policy policy(access, {}, roles);
  Person person;
  person.authenticator = "room";
  person.subject = username;
  person.username = std::move(username);
  person.groups = std::move(groups);
  const Admission admission = policy.admit(person);
  return std::get<Admitted>(admission);
}

TEST(Roles, GiveTheirScopesByNameIdentityAndGroup) {
  config::Rbac rbac;
  rbac.roles = {role("teacher", {"list:users!group=physics"}), role("grader", {"read:hub"})};
  rbac.roles[0].groups = {"teachers"};
  rbac.roles[1].users = {"room:bob"};
  const Roles roles = roles_of(rbac);
  EXPECT_EQ(admitted(roles, "alice", {}).scopes, std::vector<std::string>{"self"});
  EXPECT_EQ(admitted(roles, "alice", {"teachers"}).scopes,
            (std::vector<std::string>{"self", "list:users!group=physics"}));
  const Admitted bob = admitted(roles, "bob", {"teachers"});
  EXPECT_EQ(bob.roles, (std::vector<std::string>{"user", "teacher", "grader"}));
  EXPECT_EQ(bob.scopes.size(), 3U);
}

TEST(Roles, TheRoleUserCanBeMadeSmaller) {
  config::Rbac rbac;
  rbac.roles = {role("user", {"read:users!user"})};
  EXPECT_EQ(admitted(roles_of(rbac), "alice", {}).scopes,
            std::vector<std::string>{"read:users!user"});
}

TEST(Roles, AServersTokenReachesThatServerOnly) {
  EXPECT_EQ(Roles().of_server("alice", "gpu"),
            (std::vector<std::string>{"users:activity!user", "access:servers!server=alice/gpu"}));
  config::Rbac rbac;
  rbac.roles = {role("server", {"read:users!user", "access:servers!server"})};
  EXPECT_EQ(roles_of(rbac).of_server("alice", ""),
            (std::vector<std::string>{"read:users!user", "access:servers!server=alice/"}));
}

TEST(Roles, ServicesHaveWhatRolesGiveThemAndNothingElse) {
  config::Rbac rbac;
  rbac.roles = {role("culler", {"list:users", "delete:servers"})};
  rbac.roles[0].services = {"culler"};
  const Roles roles = roles_of(rbac);
  Account account;
  account.service = true;
  config::Service service;
  for (const char* name : {"culler", "other"}) {
    service.name = account.username = name;
    roles.give_service(service, account.scopes, account.roles);
    const Principal who = principal_of(std::make_shared<const Account>(account));
    EXPECT_EQ(allowed(who, "list:users", Target{}), service.name == "culler") << name;
    EXPECT_FALSE(allowed(who, "read:hub", Target{})) << name;
  }
}

TEST(Roles, AMisspeltScopeOrAnUndeclaredCustomOneIsFound) {
  config::Rbac rbac;
  rbac.roles = {role("one", {"read:userz"})};
  EXPECT_NE(check_roles(rbac).error().message().find("roles.one"), std::string::npos);
  rbac.roles = {role("one", {"custom:grades"})};
  EXPECT_FALSE(check_roles(rbac));
  rbac.custom_scopes = {"custom:grades"};
  EXPECT_TRUE(check_roles(rbac));
  rbac.roles = {role("one", {"inherit"})};
  EXPECT_FALSE(check_roles(rbac));
}

TEST(Policy, AnAdministratorMadeHereIsOne) {
  config::Access access;
  access.allow.everyone = true;
  Person person;
  person.username = "alice";
  const Policy policy(access, {});
  EXPECT_FALSE(std::get<Admitted>(policy.admit(person)).admin);
  person.admin = true;
  EXPECT_TRUE(std::get<Admitted>(policy.admit(person)).admin);
  access.allow = {};
  access.allow.users = {"bob"};
  const Policy narrow(access, {});
  EXPECT_TRUE(std::holds_alternative<Refusal>(narrow.admit(person)));
}

}  // namespace
}  // namespace passerelle::auth
