#include "auth/tokens.hpp"

#include <gtest/gtest.h>

#include "tests/unit/auth/world.hpp"

namespace passerelle::auth {
namespace {

using testing::wait;

class TokenTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Account> alice(bool admin = false) {
    return make_account(testing::user(1, "alice"), Admitted{{}, admin});
  }
  Result<TokenTable::Issued> issue(std::vector<std::string> scopes,
                                   std::optional<Instant> expires = {}) {
    TokenTable::Issue request;
    request.owner = alice();
    request.scopes = std::move(scopes);
    request.expires = expires;
    return wait(table.issue(std::move(request)));
  }
  static Policy policy(bool blocked) {
    config::Access access;
    access.allow.everyone = true;
    access.block.everyone = blocked;
    return Policy(access, {});
  }
  const std::vector<std::string> none;
  testing::StillClock clock;
  testing::MemoryTokens rows;
  TokenTable table{rows, clock};
};

TEST_F(TokenTest, OpenWhatTheirScopesSay) {
  const auto issued = issue({"read:users!user"});
  ASSERT_TRUE(issued);
  const TokenPointer token = table.verify(issued->secret);
  ASSERT_TRUE(token);
  EXPECT_TRUE(allowed(token->principal, "read:users", Target::of_user("alice", none, false)));
  EXPECT_FALSE(allowed(token->principal, "servers", Target::of_server("alice", "", none)));
  EXPECT_EQ(rows.rows.begin()->second.hash, secrets::sha256_hex(issued->secret));
}

TEST_F(TokenTest, BadScopesAreRefused) {
  EXPECT_EQ(issue({"everything"}).error().code(), Errc::invalid);
  EXPECT_TRUE(rows.rows.empty());
}

TEST_F(TokenTest, ExpireAndAreSwept) {
  const auto issued = issue({"inherit"}, clock.now() + seconds(60));
  clock.pass(seconds(59));
  EXPECT_TRUE(table.verify(issued->secret));
  clock.pass(seconds(1));
  EXPECT_FALSE(table.verify(issued->secret));
  EXPECT_EQ(wait(table.sweep()).value(), 1U);
  EXPECT_TRUE(rows.rows.empty());
}

TEST_F(TokenTest, AreRevokedByTheirOwnerOnly) {
  const auto issued = issue({"inherit"});
  EXPECT_EQ(wait(table.revoke(2, issued->token->id)).error().code(), Errc::not_found);
  EXPECT_TRUE(table.verify(issued->secret));
  EXPECT_TRUE(wait(table.revoke(1, issued->token->id)));
  EXPECT_FALSE(table.verify(issued->secret));
  EXPECT_FALSE(issued->token->life->alive());
  EXPECT_TRUE(rows.rows.empty());
}

// CVE-2021-41247's rule for a token that is being written when what it rests on ends.
TEST_F(TokenTest, OneThatIsBeingMadeEndsWithItsOwner) {
  rows.during_put = [&] { table.forget_user(1); };
  EXPECT_EQ(issue({"inherit"}).error().code(), Errc::conflict);
  EXPECT_TRUE(table.of_user(1).empty());
  EXPECT_TRUE(rows.rows.empty());
}

TEST_F(TokenTest, OneThatIsBeingMadeEndsWithItsSessionAndItsClient) {
  TokenTable::Issue request;
  request.owner = alice();
  request.scopes = {"inherit"};
  request.session = "s1";
  request.client = "service-x";
  rows.during_put = [&] { table.end_of_session(1, "s1"); };
  EXPECT_EQ(wait(table.issue(request)).error().code(), Errc::conflict);
  rows.during_put = [&] { table.end_of_client("service-x"); };
  EXPECT_EQ(wait(table.issue(request)).error().code(), Errc::conflict);
  EXPECT_TRUE(table.of_user(1).empty());
  EXPECT_TRUE(rows.rows.empty());
  EXPECT_TRUE(wait(table.issue(request)));
}

TEST_F(TokenTest, OneThatIsBeingMadeLosesWhatItsOwnerLoses) {
  TokenTable::Issue request;
  request.owner = alice(true);
  request.scopes = {"inherit"};
  rows.during_put = [&] { table.update(alice(false)); };
  const auto issued = wait(table.issue(std::move(request)));
  ASSERT_TRUE(issued);
  const TokenPointer token = table.verify(issued->secret);
  ASSERT_TRUE(token);
  EXPECT_FALSE(allowed(token->principal, "list:users", Target{}));
  EXPECT_EQ(issued->token, token);
}

TEST_F(TokenTest, FollowTheirOwnersRights) {
  const auto issued = issue({"inherit"});
  EXPECT_FALSE(allowed(table.verify(issued->secret)->principal, "list:users", Target{}));
  table.update(alice(true));
  EXPECT_TRUE(allowed(table.verify(issued->secret)->principal, "list:users", Target{}));
  table.update(alice(false));
  EXPECT_FALSE(allowed(table.verify(issued->secret)->principal, "list:users", Target{}));
  table.forget_user(1);
  EXPECT_FALSE(table.verify(issued->secret));
}

TEST_F(TokenTest, UseIsWrittenDown) {
  const auto issued = issue({"inherit"});
  EXPECT_FALSE(issued->token->last_used());
  clock.pass(seconds(90));
  table.verify(issued->secret);
  EXPECT_EQ(issued->token->last_used(), clock.now());
  ASSERT_TRUE(wait(table.sweep()));
  EXPECT_EQ(rows.rows.begin()->second.last_used, clock.now());
}

TEST_F(TokenTest, ARestartKeepsThemUnlessTheOwnerIsRefused) {
  const auto issued = issue({"inherit"});
  const std::vector<store::User> users{testing::user(1, "alice")};
  TokenTable again(rows, clock);
  EXPECT_EQ(wait(again.load(users, policy(false))).value(), 1U);
  EXPECT_TRUE(again.verify(issued->secret));
  TokenTable blocked(rows, clock);
  EXPECT_EQ(wait(blocked.load(users, policy(true))).value(), 0U);
  EXPECT_FALSE(blocked.verify(issued->secret));
  EXPECT_EQ(rows.rows.size(), 1U);
}

// A scope this version does not know must not become "no limit".
TEST_F(TokenTest, AStoredTokenThatCannotBeReadOpensNothing) {
  const auto issued = issue({"read:users!user"});
  rows.rows.begin()->second.scopes = {"read:users!user", "future:scope"};
  TokenTable again(rows, clock);
  EXPECT_EQ(wait(again.load({testing::user(1, "alice")}, policy(false))).value(), 0U);
  EXPECT_FALSE(again.verify(issued->secret));
}

TEST_F(TokenTest, OnePersonHoldsAtMost100) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(issue({"self"}));
  EXPECT_EQ(issue({"self"}).error().code(), Errc::exhausted);
}

}  // namespace
}  // namespace passerelle::auth
