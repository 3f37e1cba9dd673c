#include "auth/policy.hpp"

#include <gtest/gtest.h>

namespace passerelle::auth {
namespace {

config::People users(std::vector<std::string> names) {
  return {false, std::move(names), {}};
}
config::People groups(std::vector<std::string> names) {
  return {false, {}, std::move(names)};
}
config::People everyone() {
  return {true, {}, {}};
}

Person alice() {
  return {"univ", "a-17", "alice", {"staff"}};
}

bool comes_in(const config::Access& access, const Person& person) {
  return std::holds_alternative<Admitted>(Policy(access, {}).admit(person));
}
bool is_admin(const config::Access& access,
              const Person& person,
              std::vector<std::string> open = {}) {
  const Admission admission = Policy(access, std::move(open)).admit(person);
  return std::get<Admitted>(admission).admin;
}

// GHSA-384w-5v3f-q499: no rule never means "everybody".
TEST(Policy, Ghsa384w_NobodyWithoutAnAllow) {
  const Admission admission = Policy({}, {}).admit(alice());
  EXPECT_EQ(std::get<Refusal>(admission), Refusal::nobody_allowed);
}

TEST(Policy, AllowsByUserIdentityOrGroup) {
  EXPECT_TRUE(comes_in({everyone(), {}, {}}, alice()));
  EXPECT_TRUE(comes_in({users({"Alice"}), {}, {}}, alice()));
  EXPECT_TRUE(comes_in({users({"univ:a-17"}), {}, {}}, alice()));
  EXPECT_TRUE(comes_in({groups({"x", "staff"}), {}, {}}, alice()));
  EXPECT_FALSE(comes_in({users({"bob", "lab:a-17", "univ:A-17", "univ:a-1", "univ:alice"}), {}, {}},
                        alice()));
  EXPECT_FALSE(comes_in({groups({"Staff", "staf", ""}), {}, {}}, alice()));
}

TEST(Policy, BlockWinsInAnyCase) {
  for (const config::People& block :
       {users({"ALICE"}), users({"univ:A-17"}), groups({"STAFF"}), everyone()}) {
    const config::Access access{everyone(), users({"alice"}), block};
    EXPECT_EQ(std::get<Refusal>(Policy(access, {}).admit(alice())), Refusal::blocked);
  }
}

TEST(Policy, AnUnknownUsernameMatchesNoBareName) {
  Person person = alice();
  person.username.clear();
  EXPECT_FALSE(comes_in({users({"alice", ""}), {}, {}}, person));
  EXPECT_TRUE(comes_in({users({"univ:a-17"}), {}, {}}, person));
}

TEST(Policy, AdministratorsAreNamedOrOfAGroup) {
  EXPECT_FALSE(is_admin({everyone(), {}, {}}, alice()));
  EXPECT_TRUE(is_admin({everyone(), users({"alice"}), {}}, alice()));
  EXPECT_TRUE(is_admin({everyone(), groups({"staff"}), {}}, alice()));
}

// Whoever knows a room's password could otherwise type the administrator's name first.
TEST(Policy, ABareNameMakesNoAdministratorWhereNamesAreChosen) {
  const config::Access access{everyone(), users({"alice"}), {}};
  EXPECT_FALSE(is_admin(access, alice(), {"univ"}));
  EXPECT_TRUE(is_admin(access, alice(), {"room"}));
  EXPECT_TRUE(is_admin({everyone(), users({"univ:a-17"}), {}}, alice(), {"univ"}));
}

}  // namespace
}  // namespace passerelle::auth
