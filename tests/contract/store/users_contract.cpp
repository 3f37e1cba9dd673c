// UserStore: an identity keeps its name, a name never changes hands, seats are counted once.
#include <set>

#include "store_contract.hpp"

namespace passerelle::store {
namespace {

TEST_P(StoreContract, ANewUserIsKeptWhole) {
  NewUser wanted = new_user("Élodie Müller");
  wanted.display_name = "Élodie \"M\"";
  wanted.groups = {"mooc", "spark-2026", "a,b"};
  const auto entered = wait(store_->users().enter(wanted, true));
  ASSERT_TRUE(entered);
  EXPECT_TRUE(entered->created);
  reopen();
  const auto found = wait(store_->users().find(entered->user.id));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->authenticator, "room");
  EXPECT_EQ(found->subject, "Élodie Müller");
  EXPECT_EQ(found->username, "elodie-muller");
  EXPECT_EQ(found->display_name, "Élodie \"M\"");
  EXPECT_EQ(found->groups, wanted.groups);
  EXPECT_EQ(found->created, entered->user.created);
  EXPECT_EQ(wait(store_->users().find_by_identity("room", "Élodie Müller"))->id, found->id);
  EXPECT_EQ(wait(store_->users().find_by_name("elodie-muller"))->id, found->id);
}

TEST_P(StoreContract, AKnownUserIsUpdatedAndKeepsItsName) {
  const User first = enter("alice");
  NewUser again = new_user("alice", "quite-another");
  again.display_name = "Alice A.";
  again.groups = {"staff"};
  const auto entered = wait(store_->users().enter(again, false));
  ASSERT_TRUE(entered);
  EXPECT_FALSE(entered->created);
  EXPECT_EQ(entered->user.id, first.id);
  EXPECT_EQ(entered->user.username, "alice");
  EXPECT_EQ(entered->user.display_name, "Alice A.");
  EXPECT_EQ(entered->user.groups, std::vector<std::string>{"staff"});
  EXPECT_EQ(entered->user.created, first.created);
  EXPECT_GE(entered->user.last_seen, first.last_seen);
}

TEST_P(StoreContract, WhoMustBeNewAndIsNotIsRefused) {
  enter("alice");
  const auto again = wait(store_->users().enter(new_user("alice"), true));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Errc::conflict);
}

TEST_P(StoreContract, TwoIdentitiesNeverShareAName) {
  EXPECT_EQ(enter("alice").username, "alice");
  NewUser other = new_user("alice");
  other.authenticator = "ldap";
  EXPECT_EQ(enter(other).username, "alice-2");
  EXPECT_EQ(enter(new_user("x", "ALICE")).username, "alice-3");
  EXPECT_EQ(enter(new_user("y", "alice-4")).username, "alice-4");
  EXPECT_EQ(enter(new_user("z", "alice")).username, "alice-5");
  // (authenticator, subject) is compared as a pair, not as one text.
  NewUser split = new_user("e", "n");
  split.authenticator = "rooma";
  NewUser joined = new_user("ae", "n");
  EXPECT_NE(enter(split).id, enter(joined).id);
}

TEST_P(StoreContract, AnErasedUsersNameIsKeptForThemAlone) {
  const User first = enter("alice");
  ASSERT_TRUE(wait(store_->users().erase(first.id)));
  EXPECT_EQ(enter(new_user("mallory", "alice")).username, "alice-2");
  const User back = enter("alice");
  EXPECT_EQ(back.username, "alice");
  EXPECT_NE(back.id, first.id);
}

TEST_P(StoreContract, ErasingAUserTakesEverythingOfTheirs) {
  NewUser wanted = new_user("alice");
  wanted.credentials = {{"pin", "h"}};
  const User alice = enter(wanted);
  const User bob = enter("bob");
  for (const User& user : {alice, bob}) {
    ASSERT_TRUE(wait(store_->sessions().put(session_of(user, "s-" + user.username))));
    ASSERT_TRUE(wait(store_->tokens().put(token_of(user, "t-" + user.username))));
    ASSERT_TRUE(wait(store_->servers().put(server_of(user, ""))));
  }
  ASSERT_TRUE(wait(store_->users().erase(alice.id)));
  EXPECT_EQ(wait(store_->users().find(alice.id)).error().code(), Errc::not_found);
  EXPECT_TRUE(wait(store_->users().credentials(alice.id))->empty());
  EXPECT_EQ(wait(store_->sessions().all())->size(), 1U);
  EXPECT_EQ(wait(store_->tokens().all())->size(), 1U);
  EXPECT_EQ(wait(store_->servers().all())->size(), 1U);
  EXPECT_EQ(wait(store_->users().erase(alice.id)).error().code(), Errc::not_found);
}

TEST_P(StoreContract, NobodyIsNotFound) {
  EXPECT_EQ(wait(store_->users().find(1)).error().code(), Errc::not_found);
  EXPECT_EQ(wait(store_->users().find_by_name("")).error().code(), Errc::not_found);
  EXPECT_EQ(wait(store_->users().find_by_identity("room", "x")).error().code(), Errc::not_found);
  EXPECT_EQ(wait(store_->users().add_credential(1, {"pin", "h"})).error().code(), Errc::not_found);
}

TEST_P(StoreContract, SixtyAtOnceForThirtySeats) {
  int inside = 0;
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    NewUser user = new_user("p" + std::to_string(i));
    user.max_users = 30;
    start(store_->users().enter(user, true), [&](Result<Entered> entered) {
      if (entered)
        ++inside;
      else if (entered.error().code() == Errc::exhausted)
        ++refused;
    });
  }
  finish();
  EXPECT_EQ(inside, 30);
  EXPECT_EQ(refused, 30);
  EXPECT_EQ(wait(store_->users().all())->size(), 30U);
}

TEST_P(StoreContract, SeatsAreCountedByAuthenticatorAndDoNotShutOutWhoHasOne) {
  NewUser first = new_user("a");
  first.max_users = 1;
  enter(first);
  NewUser elsewhere = new_user("b");
  elsewhere.authenticator = "ldap";
  elsewhere.max_users = 1;
  EXPECT_TRUE(wait(store_->users().enter(elsewhere, false)));
  EXPECT_TRUE(wait(store_->users().enter(first, false)));
  NewUser second = new_user("c");
  second.max_users = 1;
  EXPECT_EQ(wait(store_->users().enter(second, false)).error().code(), Errc::exhausted);
}

TEST_P(StoreContract, OnlyOneOfManyTakesANewName) {
  int winners = 0;
  int late = 0;
  for (int i = 0; i < 50; ++i)
    start(store_->users().enter(new_user("alice"), true), [&](Result<Entered> entered) {
      if (entered)
        ++winners;
      else if (entered.error().code() == Errc::conflict)
        ++late;
    });
  finish();
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(late, 49);
}

TEST_P(StoreContract, NamesakesAtOnceAllGetTheirOwnName) {
  std::set<std::string> names;
  for (int i = 0; i < 100; ++i)
    start(store_->users().enter(new_user("id" + std::to_string(i), "learner"), true),
          [&](Result<Entered> entered) { names.insert(entered->user.username); });
  finish();
  EXPECT_EQ(names.size(), 100U);
  EXPECT_TRUE(names.contains("learner"));
  EXPECT_TRUE(names.contains("learner-100"));
}

TEST_P(StoreContract, CredentialsOfAKnownUserAreNotReplacedByEntering) {
  NewUser wanted = new_user("alice");
  wanted.credentials = {{"pin", "p1"}, {"claim", "c1"}};
  const User alice = enter(wanted);
  wanted.credentials = {{"pin", "evil"}};
  enter(wanted);
  EXPECT_EQ(*wait(store_->users().credentials(alice.id)),
            (std::vector<Credential>{{"pin", "p1"}, {"claim", "c1"}}));
}

TEST_P(StoreContract, TheNewestEightCredentialsOfAKindStay) {
  NewUser wanted = new_user("alice");
  wanted.credentials = {{"pin", "p"}};
  const User alice = enter(wanted);
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(wait(store_->users().add_credential(alice.id, {"claim", std::to_string(i)})));
  ASSERT_TRUE(wait(
      store_->users().add_credential(alice.id, {"claim", "0"})));  // used again: the newest now
  ASSERT_TRUE(wait(store_->users().add_credential(alice.id, {"claim", "8"})));
  std::string left;
  for (const Credential& credential : value(store_->users().credentials(alice.id)))
    left += credential.hash;
  EXPECT_EQ(left, "p23456708");
}

TEST_P(StoreContract, AllUsersInTheOrderTheyCame) {
  for (const char* name : {"carol", "alice", "bob"}) enter(name);
  std::string order;
  for (const User& user : value(store_->users().all())) order += user.username + " ";
  EXPECT_EQ(order, "carol alice bob ");
}

TEST_P(StoreContract, TextOfAnyKindComesBackOrIsRepaired) {
  NewUser wanted = new_user(std::string("a\0b'; DROP TABLE users; --", 26), "odd");
  wanted.groups = {"\xff\xfe", "ok"};
  const User user = enter(wanted);
  EXPECT_EQ(user.subject, wanted.subject);
  ASSERT_EQ(user.groups.size(), 2U);
  EXPECT_EQ(user.groups[1], "ok");
  EXPECT_EQ(wait(store_->users().find_by_identity("room", wanted.subject))->id, user.id);
}

}  // namespace
}  // namespace passerelle::store
