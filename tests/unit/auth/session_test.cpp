#include "auth/session.hpp"

#include <thread>

#include <gtest/gtest.h>

#include "base/secrets.hpp"
#include "tests/unit/auth/world.hpp"

namespace passerelle::auth {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::wait;

class SessionTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Account> account(store::UserId id, bool admin = false) {
    return make_account(testing::user(id, "u" + std::to_string(id)), Admitted{{}, admin});
  }
  SessionTable::Issued issue(store::UserId id, std::optional<Instant> until = {}) {
    SessionTable::Issue request;
    request.account = account(id);
    request.until = until;
    request.user_agent = "test";
    return wait(table.issue(std::move(request))).value();
  }
  static Policy all_allowed() {
    config::Access access;
    access.allow.everyone = true;
    return Policy(access, {});
  }

  testing::StillClock clock;
  testing::MemorySessions rows;
  Csrf csrf{std::string(32, 'k')};
  config::Sessions times{hours(24), hours(24 * 14)};
  SessionTable table{rows, csrf, clock, times};
};

TEST_F(SessionTest, TheSecretIsNeverStored) {
  const auto issued = issue(1);
  EXPECT_EQ(issued.secret.size(), 43U);
  ASSERT_EQ(rows.rows.size(), 1U);
  EXPECT_EQ(rows.rows.begin()->first, secrets::sha256_hex(issued.secret));
  EXPECT_EQ(table.verify(issued.secret)->account().username, "u1");
  EXPECT_EQ(table.verify(issued.session->id), nullptr);
  EXPECT_EQ(table.verify(""), nullptr);
  EXPECT_EQ(table.verify(std::string(1'000'000, 'x')), nullptr);
}

TEST_F(SessionTest, EndsWhenIdle) {
  const auto issued = issue(1);
  for (int i = 0; i < 10; ++i) {
    clock.pass(hours(23));
    EXPECT_TRUE(table.verify(issued.secret));
  }
  clock.pass(hours(24));
  EXPECT_FALSE(table.verify(issued.secret));
}

TEST_F(SessionTest, EndsAbsolutelyHoweverBusy) {
  const auto issued = issue(1);
  EXPECT_EQ(issued.lasts, seconds(hours(24 * 14)));
  for (int i = 0; i < 14 * 24 - 1; ++i) {
    clock.pass(hours(1));
    ASSERT_TRUE(table.verify(issued.secret));
  }
  clock.pass(hours(1));
  EXPECT_FALSE(table.verify(issued.secret));
}

TEST_F(SessionTest, EndsWithItsAuthenticator) {
  const auto issued = issue(1, clock.now() + minutes(30));
  EXPECT_EQ(issued.lasts, seconds(minutes(30)));
  clock.pass(minutes(29));
  EXPECT_TRUE(table.verify(issued.secret));
  clock.pass(minutes(1));
  EXPECT_FALSE(table.verify(issued.secret));
}

// GHSA-cw7p-q79f-m2v7: after sign-out no tab's cookie works any more, whatever thread has it
// cached; and a tunnel that runs on the session learns of its end.
TEST_F(SessionTest, GhsaCw7p_SignOutEndsAllTabsAtOnce) {
  const auto issued = issue(1);
  std::atomic<int> step{0};
  SessionPointer seen_before;
  SessionPointer seen_after = issued.session;
  std::thread other([&] {
    seen_before = table.verify(issued.secret);
    step = 1;
    step.notify_all();
    step.wait(1);
    seen_after = table.verify(issued.secret);
  });
  step.wait(0);
  EXPECT_TRUE(table.verify(issued.secret));
  ASSERT_TRUE(wait(table.revoke(issued.session->id)));
  step = 2;
  step.notify_all();
  other.join();
  EXPECT_TRUE(seen_before);
  EXPECT_FALSE(seen_after);
  EXPECT_FALSE(table.verify(issued.secret));
  EXPECT_FALSE(issued.session->life->alive());
  EXPECT_TRUE(rows.rows.empty());
}

// The same rule for a sign-in that is still under way when everything is revoked.
TEST_F(SessionTest, GhsaCw7p_ASignInUnderWayIsRevokedToo) {
  rows.during_put = [&] { EXPECT_TRUE(wait(table.revoke_user(1, ""))); };
  SessionTable::Issue request;
  request.account = account(1);
  const auto issued = wait(table.issue(std::move(request)));
  EXPECT_EQ(issued.error().code(), Errc::conflict);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_TRUE(rows.rows.empty());
}

// Two activities of a course on one page: what the first one loads goes on, until the person
// leaves.
TEST_F(SessionTest, OneThatGoesOnEndsWithItsSuccessor) {
  const auto first = issue(1);
  SessionTable::Issue request;
  request.account = account(1);
  request.before = first.session->id;
  const auto second = wait(table.issue(std::move(request))).value();
  EXPECT_TRUE(table.verify(first.secret));
  EXPECT_TRUE(table.verify(second.secret));
  EXPECT_TRUE(wait(table.revoke(second.session->id)));
  EXPECT_FALSE(table.verify(second.secret));
  EXPECT_FALSE(table.verify(first.secret));
  EXPECT_TRUE(first.session->life->ended());
  EXPECT_TRUE(rows.rows.empty());
}

TEST_F(SessionTest, RevokingAUserSparesOthersAndTheExcepted) {
  const auto kept = issue(1);
  const auto gone = issue(1);
  const auto other = issue(2);
  ASSERT_TRUE(wait(table.revoke_user(1, kept.session->id)));
  EXPECT_TRUE(table.verify(kept.secret));
  EXPECT_FALSE(table.verify(gone.secret));
  EXPECT_TRUE(table.verify(other.secret));
  EXPECT_EQ(rows.rows.size(), 2U);
}

TEST_F(SessionTest, RevocationActsAlthoughTheDiskIsFullAndIsMadeUpFor) {
  const auto issued = issue(1);
  rows.broken = true;
  EXPECT_FALSE(wait(table.revoke(issued.session->id)));
  EXPECT_FALSE(table.verify(issued.secret));
  EXPECT_EQ(rows.rows.size(), 1U);
  rows.broken = false;
  ASSERT_TRUE(wait(table.sweep()));
  EXPECT_TRUE(rows.rows.empty());
}

TEST_F(SessionTest, NothingIsIssuedThatCouldNotBeWritten) {
  rows.broken = true;
  SessionTable::Issue request;
  request.account = account(1);
  EXPECT_FALSE(wait(table.issue(std::move(request))));
  EXPECT_EQ(table.size(), 0U);
}

TEST_F(SessionTest, SweepWritesUseDownAndEndsTheExpired) {
  const auto used = issue(1);
  const auto idle = issue(2);
  clock.pass(hours(12));
  table.verify(used.secret);
  EXPECT_EQ(wait(table.sweep()).value(), 0U);
  EXPECT_EQ(rows.rows[used.session->id].last_seen, clock.now());
  EXPECT_LT(rows.rows[idle.session->id].last_seen, clock.now());
  clock.pass(hours(12));
  EXPECT_EQ(wait(table.sweep()).value(), 1U);
  EXPECT_FALSE(idle.session->life->alive());
  EXPECT_TRUE(used.session->life->alive());
  EXPECT_EQ(rows.rows.size(), 1U);
  EXPECT_EQ(table.size(), 1U);
}

TEST_F(SessionTest, ARestartKeepsSessionsButOfTheRefused) {
  const auto one = issue(1);
  const auto two = issue(2);
  config::Access access;
  access.allow.everyone = true;
  access.block.users = {"u2"};
  access.admins.users = {"u1"};
  SessionTable again(rows, csrf, clock, times);
  const std::vector<store::User> users{testing::user(1, "u1"), testing::user(2, "u2")};
  EXPECT_EQ(wait(again.load(users, Policy(access, {}))).value(), 1U);
  ASSERT_TRUE(again.verify(one.secret));
  EXPECT_TRUE(again.verify(one.secret)->account().admin);
  EXPECT_EQ(again.verify(one.secret)->csrf, one.session->csrf);
  EXPECT_FALSE(again.verify(two.secret));
  EXPECT_EQ(rows.rows.size(), 1U);
}

TEST_F(SessionTest, NewRightsReachOpenSessionsWithoutEndingThem) {
  const auto issued = issue(1);
  const SessionPointer before = table.verify(issued.secret);
  table.update(account(1, true));
  const SessionPointer after = table.verify(issued.secret);
  EXPECT_FALSE(before->account().admin);
  EXPECT_TRUE(after->account().admin);
  EXPECT_TRUE(before->life->alive());
  ASSERT_TRUE(wait(table.revoke(issued.session->id)));
  EXPECT_FALSE(before->life->alive());
  EXPECT_TRUE(table.of_user(1).empty());
}

TEST_F(SessionTest, OnePersonHoldsAtMost32) {
  std::vector<SessionTable::Issued> all;
  for (int i = 0; i < 40; ++i) {
    clock.pass(seconds(2));
    all.push_back(issue(1));
    table.verify(all.front().secret);
  }
  EXPECT_EQ(table.of_user(1).size(), 32U);
  EXPECT_TRUE(table.verify(all.front().secret));
  EXPECT_FALSE(table.verify(all[1].secret));
  EXPECT_EQ(rows.rows.size(), 32U);
}

// Under ThreadSanitizer: readers of every kind of secret beside sign-ins, revocations and changes
// of rights.
TEST_F(SessionTest, ReadersNeverSeeARevokedSession) {
  const auto lasting = issue(1);
  std::array<std::atomic<const SessionTable::Issued*>, 64> shown{};
  std::array<std::atomic<bool>, 64> revoked{};
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::atomic<int> reads{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r)
    readers.emplace_back([&] {
      while (!done.load()) {
        if (!table.verify(lasting.secret)) ++wrong;
        for (std::size_t i = 0; i < shown.size(); ++i) {
          const auto* issued = shown[i].load(std::memory_order_acquire);
          if (issued == nullptr) continue;
          const bool was_revoked = revoked[i].load(std::memory_order_acquire);
          const SessionPointer found = table.verify(issued->secret);
          if (was_revoked && found) ++wrong;
          if (found && found->account().id != 2) ++wrong;
          ++reads;
        }
      }
    });
  std::vector<std::unique_ptr<SessionTable::Issued>> all;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    all.push_back(std::make_unique<SessionTable::Issued>(issue(2)));
    shown[i].store(all.back().get(), std::memory_order_release);
    table.update(account(1, i % 2 == 0));
    if (i % 2 == 1) {
      ASSERT_TRUE(wait(table.revoke(all.back()->session->id)));
      revoked[i].store(true, std::memory_order_release);
    }
  }
  const int before = reads.load();
  while (reads.load() < before + 1000) std::this_thread::yield();
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace passerelle::auth
