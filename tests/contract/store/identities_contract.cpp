// IdentityStore: links lead to one user, states belong to an identity, and both go with the user.
#include "store_contract.hpp"

namespace passerelle::store {
namespace {

TEST_P(StoreContract, ALinkedIdentityIsTheSameUser) {
  const User alice = enter("alice");
  IdentityStore& identities = store_->identities();
  ASSERT_TRUE(wait(identities.link(alice.id, "univ", "a-17")));
  reopen();
  EXPECT_EQ(wait(store_->users().find_by_identity("univ", "a-17"))->id, alice.id);
  NewUser wanted = new_user("a-17", "somebody");
  wanted.authenticator = "univ";
  wanted.groups = {"staff"};
  const auto entered = wait(store_->users().enter(wanted, false));
  ASSERT_TRUE(entered);
  EXPECT_FALSE(entered->created);
  EXPECT_EQ(entered->user.id, alice.id);
  EXPECT_EQ(entered->user.authenticator, "room");
  const auto links = wait(store_->identities().links_of(alice.id));
  ASSERT_TRUE(links);
  ASSERT_EQ(links->size(), 1U);
  EXPECT_EQ(links->front().subject, "a-17");
}

TEST_P(StoreContract, AnIdentityIsNeverTwoUsers) {
  const User alice = enter("alice");
  const User bob = enter("bob");
  IdentityStore& identities = store_->identities();
  ASSERT_TRUE(wait(identities.link(alice.id, "univ", "a-17")));
  EXPECT_EQ(wait(identities.link(bob.id, "univ", "a-17")).error().code(), Errc::conflict);
  EXPECT_EQ(wait(identities.link(alice.id, "univ", "a-17")).error().code(), Errc::conflict);
  EXPECT_EQ(wait(identities.link(alice.id, "room", "bob")).error().code(), Errc::conflict);
  EXPECT_EQ(wait(identities.link(12345, "univ", "new")).error().code(), Errc::not_found);
}

TEST_P(StoreContract, AnUnlinkedIdentityIsNobody) {
  const User alice = enter("alice");
  const User bob = enter("bob");
  IdentityStore& identities = store_->identities();
  ASSERT_TRUE(wait(identities.link(alice.id, "univ", "a-17")));
  ASSERT_TRUE(wait(identities.put_state("univ", "a-17", "sealed")));
  EXPECT_EQ(wait(identities.unlink(bob.id, "univ", "a-17")).error().code(), Errc::not_found);
  EXPECT_TRUE(wait(identities.unlink(alice.id, "univ", "a-17")));
  EXPECT_EQ(wait(store_->users().find_by_identity("univ", "a-17")).error().code(), Errc::not_found);
  EXPECT_EQ(wait(identities.state("univ", "a-17")).error().code(), Errc::not_found);
}

TEST_P(StoreContract, AStateBelongsToItsIdentity) {
  const User alice = enter("alice");
  IdentityStore& identities = store_->identities();
  EXPECT_EQ(wait(identities.put_state("univ", "a-17", "x")).error().code(), Errc::not_found);
  ASSERT_TRUE(wait(identities.link(alice.id, "univ", "a-17")));
  ASSERT_TRUE(wait(identities.put_state("univ", "a-17", "one")));
  ASSERT_TRUE(wait(identities.put_state("univ", "a-17", "two")));
  ASSERT_TRUE(wait(identities.put_state("room", "alice", "three")));
  reopen();
  EXPECT_EQ(*wait(store_->identities().state("univ", "a-17")), "two");
  EXPECT_EQ(*wait(store_->identities().state("room", "alice")), "three");
  ASSERT_TRUE(wait(store_->identities().erase_state("room", "alice")));
  EXPECT_FALSE(wait(store_->identities().state("room", "alice")));
  ASSERT_TRUE(wait(store_->users().erase(alice.id)));
  EXPECT_EQ(wait(store_->identities().state("univ", "a-17")).error().code(), Errc::not_found);
  EXPECT_EQ(wait(store_->users().find_by_identity("univ", "a-17")).error().code(), Errc::not_found);
}

TEST_P(StoreContract, ABlockedUserStaysBlocked) {
  const User alice = enter("alice");
  ASSERT_TRUE(wait(store_->users().set_blocked(alice.id, true)));
  reopen();
  EXPECT_TRUE(wait(store_->users().find(alice.id))->blocked);
  EXPECT_TRUE(enter("alice").blocked);
  ASSERT_TRUE(wait(store_->users().set_blocked(alice.id, false)));
  EXPECT_FALSE(wait(store_->users().find(alice.id))->blocked);
  EXPECT_EQ(wait(store_->users().set_blocked(12345, true)).error().code(), Errc::not_found);
}

}  // namespace
}  // namespace passerelle::store
