// Writer and Backlog by themselves: what a store's interface cannot show.
#include "store/sqlite/writer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "store/sqlite/rows.hpp"
#include "store/sqlite/schema.hpp"

namespace passerelle::store::sqlite {
namespace {

class WriterTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "writer_test_" + std::to_string(::getpid()) + ".sqlite";
    ::close(::open(path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_TRUE(migrate(*connect(), path_, steps()));
  }
  void TearDown() override { ::unlink(path_.c_str()); }
  std::unique_ptr<Database> connect() {
    return std::make_unique<Database>(path_, Database::Access::read_write, "");
  }
  static NewUser alice() {
    NewUser user;
    user.authenticator = "room";
    user.subject = "alice";
    user.wanted_username = "alice";
    return user;
  }

  std::string path_;
};

TEST_F(WriterTest, AJobThatFailsHalfWayLeavesNothing) {
  asio::io_context loop;
  Backlog backlog;
  {
    Writer writer(connect(), backlog, {});
    const auto half = [](Database& database) -> Result<void> {
      if (!enter_user(database, alice(), true, Instant()))
        return Error(Errc::internal, "not even half");
      return Error(Errc::invalid, "on second thoughts");
    };
    const auto whole = [](Database& database) -> Result<void> {
      NewUser bob = alice();
      bob.subject = "bob";
      const Result<Entered> entered = enter_user(database, bob, true, Instant());
      return entered ? Result<void>() : entered.error();
    };
    std::vector<Errc> codes;
    const auto note = [&](std::exception_ptr, Result<void> done) {
      if (!done) codes.push_back(done.error().code());
    };
    asio::co_spawn(loop, writer.run(half), note);
    asio::co_spawn(loop, writer.run(whole), note);
    loop.run();
    EXPECT_EQ(codes, std::vector<Errc>{Errc::invalid});
  }
  const auto database = connect();
  EXPECT_FALSE(find_user_by_identity(*database, "room", "alice"));
  const auto bob = find_user_by_identity(*database, "room", "bob");
  ASSERT_TRUE(bob);
  EXPECT_EQ(bob->username, "alice");  // the name was not taken by what was undone
}

TEST_F(WriterTest, EventsDroppedDuringATransactionDoNotShiftWhatItWrote) {
  const auto database = connect();
  Backlog backlog;
  AuditEvent event;
  for (int i = 0; i < 10'000; ++i) backlog.append(event);
  backlog.apply(*database);                             // the oldest 2,000
  for (int i = 0; i < 500; ++i) backlog.append(event);  // the oldest 500 leave the full backlog
  backlog.settle(true);
  EXPECT_EQ(backlog.matching({}).size(), 8'500U);
  EXPECT_EQ(backlog.matching({}).back().id, 2'001);
}

TEST_F(WriterTest, WhatARefusedTransactionHeldGoesIntoTheNext) {
  const auto database = connect();
  ASSERT_TRUE(enter_user(*database, alice(), true, Instant()));
  Session session;
  session.id = "s";
  session.user = 1;
  ASSERT_TRUE(put_session(*database, session));
  Backlog backlog;
  ASSERT_TRUE(backlog.add_sessions({{"s", Instant(seconds(9))}}));
  database->execute("BEGIN");
  backlog.apply(*database);
  ASSERT_TRUE(
      backlog.add_sessions({{"s", Instant(seconds(5))}}));  // late news of an earlier moment
  database->execute("ROLLBACK");
  backlog.settle(false);
  EXPECT_FALSE(backlog.empty());
  backlog.apply(*database);
  backlog.settle(true);
  EXPECT_TRUE(backlog.empty());
  EXPECT_EQ(sessions_of(*database, 1)->front().last_seen, Instant(seconds(9)));
}

TEST_F(WriterTest, TheBacklogIsBounded) {
  Backlog backlog;
  Backlog::Seen seen;
  for (int i = 0; i < 100'000; ++i) seen.emplace_back(std::to_string(i), Instant());
  EXPECT_TRUE(backlog.add_sessions(seen));
  EXPECT_EQ(backlog.add_tokens({{"one", Instant()}}).error().code(), Errc::exhausted);
}

TEST_F(WriterTest, AnIdThatAnotherProcessTookIsReplacedByTheNext) {
  const auto database = connect();
  AuditEvent event;
  event.id = 5;
  EXPECT_EQ(insert_event(*database, event), 5);
  EXPECT_EQ(insert_event(*database, event), 6);
}

}  // namespace
}  // namespace passerelle::store::sqlite
