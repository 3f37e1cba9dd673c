// SessionStore and TokenStore: what signs a browser or a script in, and how it ends.
#include "store_contract.hpp"

namespace passerelle::store {
namespace {

TEST_P(StoreContract, ASessionSurvivesARestart) {
  Session session = session_of(enter("alice"), "s1");
  session.user_agent = std::string(199, 'x') + "é and more";
  session.peer = "192.0.2.1";
  ASSERT_TRUE(wait(store_->sessions().put(session)));
  reopen();
  const auto all = wait(store_->sessions().all());
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1U);
  const Session& kept = all->front();
  EXPECT_EQ(kept.id, "s1");
  EXPECT_EQ(kept.user, session.user);
  EXPECT_EQ(kept.created, session.created);
  EXPECT_EQ(kept.last_seen, session.last_seen);
  EXPECT_EQ(kept.expires, session.expires);
  EXPECT_EQ(kept.user_agent, std::string(199, 'x'));  // 200 bytes at most, and no half character
  EXPECT_EQ(kept.peer, "192.0.2.1");
}

TEST_P(StoreContract, ASessionNeedsItsUser) {
  User nobody;
  nobody.id = 99;
  EXPECT_EQ(wait(store_->sessions().put(session_of(nobody, "s"))).error().code(), Errc::not_found);
  EXPECT_TRUE(wait(store_->sessions().all())->empty());
}

TEST_P(StoreContract, SessionsEndOneByOneOrAllButOne) {
  const User alice = enter("alice");
  const User bob = enter("bob");
  for (const char* id : {"a1", "a2", "a3"})
    ASSERT_TRUE(wait(store_->sessions().put(session_of(alice, id))));
  ASSERT_TRUE(wait(store_->sessions().put(session_of(bob, "b1"))));
  ASSERT_TRUE(wait(store_->sessions().erase("a1")));
  ASSERT_TRUE(wait(store_->sessions().erase("a1")));
  EXPECT_EQ(wait(store_->sessions().of_user(alice.id))->size(), 2U);
  ASSERT_TRUE(wait(store_->sessions().erase_of_user(alice.id, "a2")));
  const auto left = wait(store_->sessions().of_user(alice.id));
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ(left->front().id, "a2");
  ASSERT_TRUE(wait(store_->sessions().erase_of_user(alice.id, "")));
  EXPECT_EQ(wait(store_->sessions().all())->size(), 1U);
}

TEST_P(StoreContract, ExpiredSessionsAreNotLoadedAndThenErased) {
  const User alice = enter("alice");
  Session past = session_of(alice, "past");
  past.expires = at(100);  // in 2023
  Session idle = session_of(alice, "idle");
  idle.last_seen = at(50);
  Session fresh = session_of(alice, "fresh");
  fresh.last_seen = at(150);
  for (const Session& session : {past, idle, fresh})
    ASSERT_TRUE(wait(store_->sessions().put(session)));
  EXPECT_EQ(wait(store_->sessions().all())->size(), 2U);
  EXPECT_EQ(wait(store_->sessions().of_user(alice.id))->size(), 3U);
  const auto erased = wait(store_->sessions().erase_expired(at(100), at(51)));
  ASSERT_TRUE(erased);
  EXPECT_EQ(*erased, 2U);
  EXPECT_EQ(wait(store_->sessions().of_user(alice.id))->front().id, "fresh");
}

TEST_P(StoreContract, AJustTouchedSessionIsNotIdle) {
  const User alice = enter("alice");
  ASSERT_TRUE(wait(store_->sessions().put(session_of(alice, "s"))));
  ASSERT_TRUE(wait(store_->sessions().touch({{"s", at(200)}, {"gone", at(200)}})));
  EXPECT_EQ(*wait(store_->sessions().erase_expired(at(1), at(100))), 0U);
  EXPECT_EQ(wait(store_->sessions().of_user(alice.id))->front().last_seen, at(200));
}

TEST_P(StoreContract, TouchesAreSeenAfterTheNextWriteAndNeverGoBack) {
  const User alice = enter("alice");
  const Session session = session_of(alice, "s");
  ASSERT_TRUE(wait(store_->sessions().put(session)));
  ASSERT_TRUE(wait(store_->sessions().touch({{"s", at(20)}})));
  ASSERT_TRUE(wait(store_->sessions().touch({{"s", at(10)}})));
  ASSERT_TRUE(wait(store_->sessions().put(session)));  // with its old last_seen
  EXPECT_EQ(wait(store_->sessions().of_user(alice.id))->front().last_seen, at(20));
}

TEST_P(StoreContract, TouchesAreWrittenWithoutAnyOtherWrite) {
  const User alice = enter("alice");
  ASSERT_TRUE(wait(store_->sessions().put(session_of(alice, "s"))));
  ASSERT_TRUE(wait(store_->tokens().put(token_of(alice, "t"))));
  ASSERT_TRUE(wait(store_->servers().put(server_of(alice, ""))));
  ASSERT_TRUE(wait(store_->sessions().touch({{"s", at(30)}})));
  ASSERT_TRUE(wait(store_->tokens().touch({{"t", at(31)}})));
  ASSERT_TRUE(wait(store_->servers().touch({{alice.id, "", at(32)}})));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  Instant seen{};
  while (seen != at(32) && std::chrono::steady_clock::now() < end)
    seen = wait(store_->servers().find(alice.id, ""))->last_activity;
  EXPECT_EQ(seen, at(32));
  EXPECT_EQ(wait(store_->sessions().of_user(alice.id))->front().last_seen, at(30));
  EXPECT_EQ(wait(store_->tokens().find_by_hash("hash-t"))->last_used, at(31));
}

TEST_P(StoreContract, TouchesSurviveAnOrderlyStop) {
  const User alice = enter("alice");
  ASSERT_TRUE(wait(store_->sessions().put(session_of(alice, "s"))));
  ASSERT_TRUE(wait(store_->sessions().touch({{"s", at(40)}})));
  reopen();
  EXPECT_EQ(wait(store_->sessions().of_user(alice.id))->front().last_seen, at(40));
}

TEST_P(StoreContract, ATokenIsFoundByItsHashOnly) {
  const User alice = enter("alice");
  ApiToken token = token_of(alice, "t1");
  token.scopes = {"access:servers!user=alice", "inherit"};
  token.note = "my script";
  token.expires = at(1000);
  ASSERT_TRUE(wait(store_->tokens().put(token)));
  reopen();
  const auto found = wait(store_->tokens().find_by_hash("hash-t1"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, "t1");
  EXPECT_EQ(found->user, alice.id);
  EXPECT_EQ(found->scopes, token.scopes);
  EXPECT_EQ(found->note, "my script");
  EXPECT_EQ(found->expires, at(1000));
  EXPECT_FALSE(found->last_used);
  EXPECT_EQ(wait(store_->tokens().find_by_hash("t1")).error().code(), Errc::not_found);
}

TEST_P(StoreContract, TokensAreListedInOrderAndRevokedOnce) {
  const User alice = enter("alice");
  const User bob = enter("bob");
  ApiToken late = token_of(alice, "a");
  late.created = at(9);
  ASSERT_TRUE(wait(store_->tokens().put(late)));
  ASSERT_TRUE(wait(store_->tokens().put(token_of(alice, "z"))));
  ASSERT_TRUE(wait(store_->tokens().put(token_of(bob, "b"))));
  std::string order;
  for (const ApiToken& token : value(store_->tokens().of_user(alice.id))) order += token.id;
  EXPECT_EQ(order, "za");
  EXPECT_EQ(wait(store_->tokens().all())->size(), 3U);
  ASSERT_TRUE(wait(store_->tokens().erase("a")));
  EXPECT_EQ(wait(store_->tokens().erase("a")).error().code(), Errc::not_found);
  EXPECT_EQ(wait(store_->tokens().find_by_hash("hash-a")).error().code(), Errc::not_found);
}

TEST_P(StoreContract, TwoTokensCannotHaveOneHash) {
  const User alice = enter("alice");
  ASSERT_TRUE(wait(store_->tokens().put(token_of(alice, "t1"))));
  ApiToken twin = token_of(alice, "t2");
  twin.hash = "hash-t1";
  EXPECT_EQ(wait(store_->tokens().put(twin)).error().code(), Errc::conflict);
  EXPECT_EQ(wait(store_->tokens().all())->size(), 1U);
}

}  // namespace
}  // namespace passerelle::store
