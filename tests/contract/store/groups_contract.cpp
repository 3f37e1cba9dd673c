// GroupStore: who is in a group, by whichever way; and pages of users.
#include "store_contract.hpp"

namespace passerelle::store {
namespace {

std::vector<std::string> names_of(const UserStore::Page& page) {
  std::vector<std::string> names;
  for (const User& user : page.users) names.push_back(user.username);
  return names;
}

TEST_P(StoreContract, AGroupHoldsWhoWasAddedAndWhomASignInPutsThere) {
  NewUser told = new_user("told");
  told.groups = {"physics"};
  const User first = enter(told);
  const User second = enter("added");
  ASSERT_TRUE(wait(store_->groups().add("physics", {second.id})));
  reopen();
  const Group group = value(store_->groups().find("physics"));
  EXPECT_EQ(group.users, (std::vector<std::string>{"added", "told"}));
  EXPECT_EQ(group.properties, "{}");
  const User now = value(store_->users().find(second.id));
  EXPECT_EQ(now.groups, std::vector<std::string>{"physics"});
  EXPECT_TRUE(now.told_groups.empty());
  // The next sign-in says other groups: what was added here stays.
  NewUser again = new_user("added");
  again.groups = {"physics", "staff"};
  EXPECT_EQ(enter(again).groups, (std::vector<std::string>{"physics", "staff"}));
  again.groups = {};
  EXPECT_EQ(enter(again).groups, std::vector<std::string>{"physics"});
  ASSERT_TRUE(wait(store_->groups().remove("physics", {first.id, second.id})));
  EXPECT_EQ(value(store_->groups().find("physics")).users, std::vector<std::string>{"told"});
}

TEST_P(StoreContract, GroupsAreMadeOnceAndGoWithTheirLastReason) {
  ASSERT_TRUE(wait(store_->groups().create("empty")));
  EXPECT_EQ(wait(store_->groups().create("empty")).error().code(), Errc::conflict);
  ASSERT_TRUE(wait(store_->groups().set_properties("empty", R"({"room":3})")));
  EXPECT_EQ(value(store_->groups().find("empty")).properties, R"({"room":3})");
  EXPECT_EQ(value(store_->groups().all()).size(), 1U);
  ASSERT_TRUE(wait(store_->groups().erase("empty")));
  EXPECT_EQ(wait(store_->groups().erase("empty")).error().code(), Errc::not_found);
  EXPECT_EQ(wait(store_->groups().find("empty")).error().code(), Errc::not_found);
  const User alice = enter("alice");
  ASSERT_TRUE(wait(store_->groups().add("g", {alice.id})));
  ASSERT_TRUE(wait(store_->users().erase(alice.id)));
  EXPECT_TRUE(value(store_->groups().find("g")).users.empty());
}

TEST_P(StoreContract, PagesOfUsersAreSortedCutAndCounted) {
  std::vector<UserId> ids;
  for (const char* name : {"carol", "alice", "bob", "dave"}) ids.push_back(enter(name).id);
  ASSERT_TRUE(wait(store_->users().see(ids[1], at(4'000'000'000))));
  UserStore::PageQuery query;
  EXPECT_EQ(value(store_->users().page(query)).total, 4U);
  query.limit = 2;
  query.offset = 1;
  EXPECT_EQ(names_of(value(store_->users().page(query))),
            (std::vector<std::string>{"alice", "bob"}));
  query.sort = UserStore::PageQuery::Sort::name;
  query.descending = true;
  query.offset = 0;
  EXPECT_EQ(names_of(value(store_->users().page(query))),
            (std::vector<std::string>{"dave", "carol"}));
  query.sort = UserStore::PageQuery::Sort::last_activity;
  EXPECT_EQ(names_of(value(store_->users().page(query))).front(), "alice");
  query = {};
  query.part_of_name = "a";
  query.without = {ids[0]};
  EXPECT_EQ(names_of(value(store_->users().page(query))),
            (std::vector<std::string>{"alice", "dave"}));
  query = {};
  query.only = std::vector<UserId>{ids[2]};
  EXPECT_EQ(value(store_->users().page(query)).total, 1U);
  query.only = std::vector<UserId>{};
  EXPECT_EQ(value(store_->users().page(query)).total, 0U);
}

TEST_P(StoreContract, AnAdministratorIsRemembered) {
  const User alice = enter("alice");
  EXPECT_FALSE(alice.admin);
  ASSERT_TRUE(wait(store_->users().set_admin(alice.id, true)));
  reopen();
  EXPECT_TRUE(value(store_->users().find(alice.id)).admin);
  EXPECT_TRUE(enter("alice").admin);
  EXPECT_EQ(wait(store_->users().set_admin(999, true)).error().code(), Errc::not_found);
}

TEST_P(StoreContract, ATokenRemembersItsSessionAndClient) {
  ApiToken token = token_of(enter("alice"), "t1");
  token.session = "s1";
  token.client = "jupyterhub-user-alice";
  ASSERT_TRUE(wait(store_->tokens().put(token)));
  reopen();
  const ApiToken found = value(store_->tokens().find_by_hash("hash-t1"));
  EXPECT_EQ(found.session, "s1");
  EXPECT_EQ(found.client, "jupyterhub-user-alice");
}

}  // namespace
}  // namespace passerelle::store
