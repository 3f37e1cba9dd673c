// ServerStore, AuditLog, and what holds for all of them: neighbours in a group, limits, reads after
// writes.
#include "store_contract.hpp"

namespace passerelle::store {
namespace {

TEST_P(StoreContract, AServerIsKeptWhole) {
  const User alice = enter("alice");
  ServerRecord record = server_of(alice, "gpu");
  record.phase = Phase::running;
  record.launch_id = "0123456789abcdef";
  record.profile = "notebook";
  record.values = {{"cores", "4"}, {"note", "é\"\n"}};
  record.spawner = "here";
  record.state = std::string("opaque\0state", 12);
  record.upstream = "tcp:127.0.0.1:8888";
  record.sealed_secret = std::string("\xff\x00\x01", 3);
  record.started = at(1);
  record.last_activity = at(2);
  record.ended = at(3);
  record.cause = Cause::out_of_memory;
  record.detail = "killed";
  record.exit_code = -9;
  record.error_id = "e1";
  record.ended_by = "self";
  ASSERT_TRUE(wait(store_->servers().put(record)));
  reopen();
  const auto found = wait(store_->servers().find(alice.id, "gpu"));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->user, alice.id);
  EXPECT_EQ(found->name, "gpu");
  EXPECT_EQ(found->phase, Phase::running);
  EXPECT_EQ(found->launch_id, record.launch_id);
  EXPECT_EQ(found->profile, record.profile);
  EXPECT_EQ(found->values, record.values);
  EXPECT_EQ(found->spawner, record.spawner);
  EXPECT_EQ(found->state, record.state);
  EXPECT_EQ(found->upstream, record.upstream);
  EXPECT_EQ(found->sealed_secret, record.sealed_secret);
  EXPECT_EQ(found->started, record.started);
  EXPECT_EQ(found->last_activity, record.last_activity);
  EXPECT_EQ(found->ended, record.ended);
  EXPECT_EQ(found->cause, record.cause);
  EXPECT_EQ(found->detail, record.detail);
  EXPECT_EQ(found->exit_code, record.exit_code);
  EXPECT_EQ(found->error_id, record.error_id);
  EXPECT_EQ(found->ended_by, record.ended_by);
}

TEST_P(StoreContract, PuttingAServerAgainReplacesItButNotItsActivity) {
  const User alice = enter("alice");
  ServerRecord record = server_of(alice, "");
  record.last_activity = at(50);
  record.cause = Cause::crashed;
  record.exit_code = 1;
  ASSERT_TRUE(wait(store_->servers().put(record)));
  record = server_of(alice, "");
  record.phase = Phase::stopped;
  record.last_activity = at(10);
  ASSERT_TRUE(wait(store_->servers().put(record)));
  const auto found = wait(store_->servers().find(alice.id, ""));
  EXPECT_EQ(found->phase, Phase::stopped);
  EXPECT_FALSE(found->cause);
  EXPECT_FALSE(found->exit_code);
  EXPECT_EQ(found->last_activity, at(50));
  EXPECT_EQ(wait(store_->servers().all())->size(), 1U);
}

TEST_P(StoreContract, ServersAreListedByUserAndNameAndErased) {
  const User alice = enter("alice");
  const User bob = enter("bob");
  ASSERT_TRUE(wait(store_->servers().put(server_of(bob, ""))));
  ASSERT_TRUE(wait(store_->servers().put(server_of(alice, "b"))));
  ASSERT_TRUE(wait(store_->servers().put(server_of(alice, ""))));
  std::string order;
  for (const ServerRecord& record : value(store_->servers().all()))
    order += (record.user == alice.id ? "alice/" : "bob/") + record.name + " ";
  EXPECT_EQ(order, "alice/ alice/b bob/ ");
  ASSERT_TRUE(wait(store_->servers().erase(alice.id, "b")));
  ASSERT_TRUE(wait(store_->servers().erase(alice.id, "b")));
  EXPECT_EQ(wait(store_->servers().find(alice.id, "b")).error().code(), Errc::not_found);
  EXPECT_TRUE(wait(store_->servers().find(alice.id, "")));
}

TEST_P(StoreContract, ARefusedWriteDoesNotTakeItsNeighboursAlong) {
  const User alice = enter("alice");
  User nobody;
  nobody.id = 99;
  int good = 0;
  int refused = 0;
  for (int i = 0; i < 100; ++i)
    start(store_->servers().put(server_of(i % 2 == 0 ? alice : nobody, std::to_string(i))),
          [&](Result<void> put) {
            if (put)
              ++good;
            else if (put.error().code() == Errc::not_found)
              ++refused;
          });
  finish();
  EXPECT_EQ(good, 50);
  EXPECT_EQ(refused, 50);
  EXPECT_EQ(wait(store_->servers().all())->size(), 50U);
  EXPECT_TRUE(store_->writable());
}

TEST_P(StoreContract, AReadSeesEveryWriteThatReturned) {
  const User alice = enter("alice");
  auto task = [](Store& store, User user) -> Task<Result<int>> {
    int missed = 0;
    for (int i = 0; i < 200; ++i) {
      ServerRecord record = server_of(user, "");
      record.detail = std::to_string(i);
      const Result<void> put = co_await store.servers().put(record);
      const Result<ServerRecord> found = co_await store.servers().find(user.id, "");
      if (!put || !found || found->detail != record.detail) ++missed;
    }
    co_return missed;
  };
  EXPECT_EQ(*wait(task(*store_, alice)), 0);
}

TEST_P(StoreContract, AValueAboveAMebibyteIsRefused) {
  const User alice = enter("alice");
  ServerRecord record = server_of(alice, "");
  record.detail = std::string(2U << 20U, 'x');
  EXPECT_EQ(wait(store_->servers().put(record)).error().code(), Errc::invalid);
  EXPECT_TRUE(store_->writable());
  record.detail = std::string(500'000, 'x');
  EXPECT_TRUE(wait(store_->servers().put(record)));
}

AuditEvent event(const std::string& actor, const std::string& action, const std::string& target) {
  AuditEvent audit;
  audit.at = at(5);
  audit.actor = actor;
  audit.action = action;
  audit.target = target;
  audit.result = "ok";
  return audit;
}

std::string details(const Result<std::vector<AuditEvent>>& events) {
  std::string text;
  for (const AuditEvent& audit : *events)
    text += audit.actor + "/" + audit.action + "/" + audit.target + " ";
  return text;
}

TEST_P(StoreContract, AuditEventsAreSeenAtOnceNewestFirst) {
  store_->audit().append(event("alice", "sign-in", "user/alice/"));
  store_->audit().append(event("bob", "sign-in", "user/bob/"));
  store_->audit().append(event("alice", "launch", "user/alice/"));
  EXPECT_EQ(details(wait(store_->audit().query({}))),
            "alice/launch/user/alice/ bob/sign-in/user/bob/ alice/sign-in/user/alice/ ");
  enter("somebody");  // the events ride along with it: half of what follows comes from the database
  store_->audit().append(event("bob", "launch", "user/bob/"));
  EXPECT_EQ(details(wait(store_->audit().query({}))),
            "bob/launch/user/bob/ alice/launch/user/alice/ bob/sign-in/user/bob/ "
            "alice/sign-in/user/alice/ ");
}

TEST_P(StoreContract, AuditQueriesNarrowDownAndPage) {
  for (int i = 0; i < 5; ++i)
    for (const char* actor : {"alice", "bob"})
      store_->audit().append(
          event(actor, i == 2 ? "launch" : "sign-in", std::string("user/") + actor));
  for (const bool stored : {false, true}) {
    if (stored) reopen();
    AuditLog::Query query;
    query.actor = "alice";
    EXPECT_EQ(wait(store_->audit().query(query))->size(), 5U);
    query.action = "launch";
    EXPECT_EQ(details(wait(store_->audit().query(query))), "alice/launch/user/alice ");
    query = {};
    query.action = "launch";
    EXPECT_EQ(wait(store_->audit().query(query))->size(), 2U);
    query = {};
    query.target = "user/bob";
    query.limit = 3;
    const auto page = wait(store_->audit().query(query));
    ASSERT_EQ(page->size(), 3U);
    query.before_id = page->back().id;
    const auto next = wait(store_->audit().query(query));
    ASSERT_EQ(next->size(), 2U);
    EXPECT_LT(next->front().id, page->back().id);
  }
}

TEST_P(StoreContract, AuditEventsAreKeptWholeAndCut) {
  AuditEvent audit = event(std::string(5000, 'a'), "sign-in", "t");
  audit.cause = "wrong";
  audit.error_id = "e";
  audit.detail = "d";
  audit.peer = "::1";
  store_->audit().append(audit);
  reopen();
  const auto found = wait(store_->audit().query({}));
  ASSERT_EQ(found->size(), 1U);
  const AuditEvent& kept = found->front();
  EXPECT_EQ(kept.actor, std::string(2048, 'a'));
  EXPECT_EQ(kept.at, at(5));
  EXPECT_EQ(kept.result, "ok");
  EXPECT_EQ(kept.cause, "wrong");
  EXPECT_EQ(kept.error_id, "e");
  EXPECT_EQ(kept.detail, "d");
  EXPECT_EQ(kept.peer, "::1");
}

TEST_P(StoreContract, AnAuditPageHasAtMostAThousandEvents) {
  for (int i = 0; i < 2'500; ++i) store_->audit().append(event("a", "b", std::to_string(i)));
  AuditLog::Query query;
  query.limit = 5'000;
  EXPECT_EQ(wait(store_->audit().query(query))->size(), 1'000U);
  reopen();  // more than one transaction takes: nothing of it may be lost
  const auto stored = wait(store_->audit().query(query));
  ASSERT_EQ(stored->size(), 1'000U);
  EXPECT_EQ(stored->front().target, "2499");
  EXPECT_EQ(stored->front().id, 2'500);
}

}  // namespace
}  // namespace passerelle::store
