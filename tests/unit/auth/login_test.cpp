#include "auth/login.hpp"

#include <gtest/gtest.h>

#include "base/worker_pool.hpp"
#include "tests/unit/auth/world.hpp"

namespace passerelle::auth {
namespace {

using testing::wait;

// Says what the test tells it to.
class Scripted final : public Authenticator {
 public:
  std::function<Result<AuthAnswer>(const AuthRequest&)> answer;
  int asked = 0;

  const std::string& name() const noexcept override { return name_; }
  SignInOffer offer() const override { return {}; }
  Task<Result<AuthAnswer>> handle(AuthRequest request) override {
    ++asked;
    co_return answer(request);
  }

 private:
  const std::string name_ = "univ";
};

SignedIn known_as(std::string subject, std::string hint) {
  SignedIn signed_in;
  signed_in.identity.authenticator = "univ";
  signed_in.identity.subject = std::move(subject);
  signed_in.identity.username_hint = hint;
  signed_in.identity.display_name = std::move(hint);
  return signed_in;
}

class LoginTest : public ::testing::Test {
 protected:
  LoginTest() {
    access.allow.everyone = true;
    says(known_as("a-17", "alice"));
  }
  void says(SignedIn answer) {
    method.answer = [answer](const AuthRequest&) { return Result<AuthAnswer>(AuthAnswer(answer)); };
  }
  void says_wrong() {
    ShowForm form;
    form.status = 403;
    form.failed = true;
    form.message = "sign-in.wrong-password";
    method.answer = [form](const AuthRequest& request) {
      ShowForm mine = form;
      mine.attempted_name = std::string(text::field(request.form, "username"));
      return Result<AuthAnswer>(AuthAnswer(mine));
    };
  }
  Result<LoginAnswer> sign_in(std::string username = "alice",
                              std::string old_secret = "",
                              std::string peer = "192.0.2.1") {
    const Policy policy(access, {});
    States states(identities, sealer);
    Refresher refresher({users, audit, sessions, tokens, policy, states, clock,
                         [&](std::string_view) { return &method; }, seconds(0)});
    Login login({users, audit, sessions, tokens, throttle, policy, clock, states, refresher});
    AuthRequest request;
    request.method = "POST";
    request.path = "login";
    request.form = {{"username", std::move(username)}};
    request.peer = std::move(peer);
    request.next = "/user/alice/lab";
    Browser browser;
    browser.old_secret = std::move(old_secret);
    return wait(login.handle(method, std::move(request), std::move(browser)));
  }
  std::string reason(const Result<LoginAnswer>& answer) {
    return std::get<Refused>(*answer).reason;
  }

  config::Access access;
  testing::StillClock clock;
  testing::MemoryUsers users;
  testing::MemoryIdentities identities{users};
  secrets::Sealer sealer{{std::string(32, 'k')}};
  testing::MemorySessions rows;
  testing::MemoryTokens token_rows;
  testing::MemoryAudit audit;
  Csrf csrf{std::string(32, 'k')};
  SessionTable sessions{rows, csrf, clock, {}};
  TokenTable tokens{token_rows, clock};
  Throttle throttle{clock};
  Scripted method;
};

TEST_F(LoginTest, OpensASession) {
  const auto answer = sign_in();
  const Welcome& welcome = std::get<Welcome>(*answer);
  EXPECT_EQ(sessions.verify(welcome.secret)->account().username, "alice");
  EXPECT_EQ(welcome.next, "/user/alice/lab");
  ASSERT_EQ(audit.events.size(), 1U);
  EXPECT_EQ(audit.events[0].actor, "alice");
  EXPECT_EQ(audit.events[0].result, "ok");
}

// GHSA-f24x-5g9q-753f: a new secret at every sign-in, and the one before, planted or not, is dead.
TEST_F(LoginTest, GhsaF24x_NoSessionSurvivesASignIn) {
  const auto first = sign_in();
  const std::string old_secret = std::get<Welcome>(*first).secret;
  const auto second = sign_in("alice", old_secret);
  EXPECT_NE(std::get<Welcome>(*second).secret, old_secret);
  EXPECT_FALSE(sessions.verify(old_secret));
  EXPECT_EQ(sessions.size(), 1U);
}

// CVE-2019-10255, CVE-2026-33709: also what a method brought back from a provider is looked at
// again.
TEST_F(LoginTest, Cve2026_33709_AMethodsOwnNextStaysHere) {
  SignedIn alice = known_as("a-17", "alice");
  for (const char* target : {"//evil.example", "/\\evil.example", "https:evil.example"}) {
    alice.next = target;
    says(alice);
    EXPECT_EQ(std::get<Welcome>(*sign_in()).next, "") << target;
  }
}

// CVE-2026-49757: who has the same mail and the same name, but is another subject, is another
// person.
TEST_F(LoginTest, Cve2026_49757_PeopleNeverMergeOnTheirMail) {
  SignedIn alice = known_as("a-17", "alice");
  alice.state = AuthState{{{"mail", {"alice@example.fr"}}}, ""};
  says(alice);
  const auto first = sign_in();
  alice.identity.subject = "b-18";
  says(alice);
  const auto second = sign_in();
  const auto first_session = sessions.verify(std::get<Welcome>(*first).secret);
  const auto second_session = sessions.verify(std::get<Welcome>(*second).secret);
  EXPECT_EQ(first_session->account().username, "alice");
  EXPECT_NE(second_session->account().username, "alice");
  EXPECT_NE(second_session->account().id, first_session->account().id);
}

TEST_F(LoginTest, TheRefusedLeaveNoRow) {
  access.allow = {};
  EXPECT_EQ(reason(sign_in()), "nobody-allowed");
  access.allow.users = {"bob"};
  EXPECT_EQ(reason(sign_in()), "not-allowed");
  access.block.users = {"alice"};
  EXPECT_EQ(reason(sign_in()), "blocked");
  EXPECT_TRUE(users.users.empty());
  EXPECT_TRUE(rows.rows.empty());
  EXPECT_EQ(audit.events.back().cause, "blocked");
}

// The second alice becomes alice-2: neither the first one's place on the list nor her rights are
// hers.
TEST_F(LoginTest, ANamesakeInheritsNothing) {
  ASSERT_TRUE(std::holds_alternative<Welcome>(*sign_in()));
  access.admins.users = {"alice"};
  says(known_as("b-99", "alice"));
  const auto namesake = sign_in();
  const Account& account = std::get<Welcome>(*namesake).session->account();
  EXPECT_EQ(account.username, "alice-2");
  EXPECT_FALSE(account.admin);
  access.allow = {};
  access.allow.users = {"alice"};
  says(known_as("c-1", "alice"));
  bool took_a_seat = false;
  users.before_enter = [&] { took_a_seat = true; };
  EXPECT_EQ(reason(sign_in()), "not-allowed");
  EXPECT_FALSE(took_a_seat);
  EXPECT_EQ(users.users.size(), 2U);
}

TEST_F(LoginTest, TheListNamesPeopleAsTheyWillBeNamed) {
  access.allow = {};
  access.allow.users = {"elodie-muller"};
  says(known_as("e-1", "Élodie Müller"));
  EXPECT_TRUE(std::holds_alternative<Welcome>(*sign_in()));
}

// The same when the namesake is quicker by a hair: the name is taken between our look and our
// entry.
TEST_F(LoginTest, ANamesakeWhoIsQuickerGetsNoRightsEither) {
  access.allow = {};
  access.allow.users = {"alice"};
  users.before_enter = [&] {
    store::NewUser other;
    other.authenticator = "univ";
    other.subject = "b-99";
    other.wanted_username = "alice";
    EXPECT_TRUE(wait(users.enter(std::move(other), false)));
  };
  EXPECT_EQ(reason(sign_in()), "not-allowed");
  EXPECT_EQ(users.users.size(), 1U);
  EXPECT_TRUE(rows.rows.empty());
}

TEST_F(LoginTest, AsksAgainWhenTheNameWasTakenMeanwhile) {
  SignedIn first = known_as("alice", "alice");
  first.must_be_new = true;
  method.answer = [&, first](const AuthRequest&) -> Result<AuthAnswer> {
    if (method.asked == 1) return AuthAnswer(first);
    ShowForm taken;
    taken.message = "sign-in.name-taken";
    return AuthAnswer(taken);
  };
  users.before_enter = [&] {
    store::NewUser other;
    other.authenticator = "univ";
    other.subject = "alice";
    other.wanted_username = "alice";
    EXPECT_TRUE(wait(users.enter(std::move(other), true)));
  };
  const auto answer = sign_in();
  EXPECT_EQ(std::get<ShowForm>(*answer).message, "sign-in.name-taken");
  EXPECT_EQ(method.asked, 2);
  EXPECT_TRUE(rows.rows.empty());
}

TEST_F(LoginTest, TakenSeatsAreToldApart) {
  SignedIn one = known_as("a", "a");
  one.max_users = 1;
  says(one);
  ASSERT_TRUE(std::holds_alternative<Welcome>(*sign_in()));
  SignedIn two = known_as("b", "b");
  two.max_users = 1;
  says(two);
  EXPECT_EQ(reason(sign_in()), "no-seats");
}

TEST_F(LoginTest, WrongPasswordsAreSlowedDownAndWrittenDownShort) {
  says_wrong();
  const std::string huge(10'000'000, 'a');
  for (int i = 0; i < 5; ++i) EXPECT_EQ(std::get<ShowForm>(*sign_in(huge)).status, 403);
  const auto slowed = sign_in(huge);
  const ShowForm& form = std::get<ShowForm>(*slowed);
  EXPECT_EQ(form.status, 429);
  EXPECT_EQ(form.message, "sign-in.slow-down");
  EXPECT_GT(*form.retry_after, seconds(0));
  EXPECT_EQ(method.asked, 5);
  // CVE-2026-54338
  for (const store::AuditEvent& event : audit.events) EXPECT_LE(event.actor.size(), 64U);
  EXPECT_LE(form.attempted_name.size(), 64U);
}

TEST_F(LoginTest, SpellingsShareTheirTries) {
  says_wrong();
  for (const char* spelling : {"alice", "ALICE", " Alice", "aLice ", "alicE"})
    EXPECT_EQ(std::get<ShowForm>(*sign_in(spelling)).status, 403);
  EXPECT_EQ(std::get<ShowForm>(*sign_in("AlicE")).status, 429);
  EXPECT_EQ(std::get<ShowForm>(*sign_in("bob")).status, 403);
}

TEST_F(LoginTest, CouldNotTellIsNoWrongPassword) {
  method.answer = [](const AuthRequest&) {
    return Result<AuthAnswer>(Error(Errc::unavailable, "directory down"));
  };
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sign_in().error().code(), Errc::unavailable);
  EXPECT_EQ(audit.events.back().result, "failed");
  says(known_as("a-17", "alice"));
  users.broken = true;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sign_in().error().code(), Errc::unavailable);
  users.broken = false;
  rows.broken = true;
  EXPECT_EQ(sign_in().error().code(), Errc::unavailable);
  rows.broken = false;
  EXPECT_TRUE(std::holds_alternative<Welcome>(*sign_in()));
}

TEST_F(LoginTest, NewGroupsReachTheOtherBrowser) {
  const auto first = sign_in();
  SignedIn moved = known_as("a-17", "alice");
  moved.identity.groups = {"staff"};
  says(moved);
  ASSERT_TRUE(std::holds_alternative<Welcome>(*sign_in()));
  EXPECT_EQ(sessions.verify(std::get<Welcome>(*first).secret)->account().groups,
            moved.identity.groups);
}

// Anybody may post to a back channel, with any name: that is no right password, and leaves no row.
TEST_F(LoginTest, ABackChannelForgivesNoGuessesAndLeavesNoTrace) {
  says_wrong();
  while (std::get<ShowForm>(*sign_in()).status != 429) continue;
  const std::size_t rows_before = audit.events.size();
  method.answer = [](const AuthRequest&) {
    return Result<AuthAnswer>(AuthAnswer(EndSessions{"", "nobody's", {}}));
  };
  clock.pass(seconds(60));
  EXPECT_TRUE(std::holds_alternative<Reply>(*sign_in()));
  EXPECT_EQ(audit.events.size(), rows_before);
  says_wrong();
  EXPECT_EQ(std::get<ShowForm>(*sign_in()).status, 403);
  EXPECT_EQ(std::get<ShowForm>(*sign_in()).status, 429);
}

TEST_F(LoginTest, SignOutEndsTheSession) {
  const auto answer = sign_in();
  const Policy policy(access, {});
  States states(identities, sealer);
  Refresher refresher({users, audit, sessions, tokens, policy, states, clock,
                       [&](std::string_view) { return &method; }, seconds(0)});
  Login login({users, audit, sessions, tokens, throttle, policy, clock, states, refresher});
  EXPECT_TRUE(wait(login.sign_out(std::get<Welcome>(*answer).session, "192.0.2.1")));
  EXPECT_FALSE(sessions.verify(std::get<Welcome>(*answer).secret));
  EXPECT_EQ(audit.events.back().action, "sign-out");
}

// A provider's answer that does not fit is nobody's guess: it is written down and slows nobody.
TEST_F(LoginTest, ARefusalWithAReasonIsAuditedAndNotCounted) {
  ShowForm form;
  form.status = 403;
  form.message = "sign-in.refused.not-allowed";
  form.code = "email-unverified";
  method.answer = [form](const AuthRequest&) { return Result<AuthAnswer>(AuthAnswer(form)); };
  for (int i = 0; i < 30; ++i) EXPECT_EQ(std::get<ShowForm>(*sign_in()).status, 403) << "never 429";
  EXPECT_EQ(audit.events.back().result, "refused");
  EXPECT_EQ(audit.events.back().cause, "email-unverified");
}

TEST_F(LoginTest, ABackChannelEndsTheSessionsItNamesAndNoOther) {
  SignedIn alice = known_as("a-17", "alice");
  alice.provider_session = "sid-1";
  says(alice);
  const std::string first = std::get<Welcome>(*sign_in()).secret;
  alice.provider_session = "sid-2";
  says(alice);
  const std::string second = std::get<Welcome>(*sign_in()).secret;
  says(known_as("b-3", "bob"));
  const std::string bobs = std::get<Welcome>(*sign_in("bob")).secret;

  EndSessions ended;
  method.answer = [&](const AuthRequest&) { return Result<AuthAnswer>(AuthAnswer(ended)); };
  EXPECT_TRUE(std::holds_alternative<Reply>(*sign_in()));  // names nothing: ends nothing
  EXPECT_TRUE(sessions.verify(first));
  ended.subject = "a-17";
  ended.provider_session = "sid-1";
  EXPECT_TRUE(std::holds_alternative<Reply>(*sign_in()));
  EXPECT_FALSE(sessions.verify(first));
  EXPECT_TRUE(sessions.verify(second));
  ended.provider_session.clear();
  EXPECT_TRUE(std::holds_alternative<Reply>(*sign_in()));
  EXPECT_FALSE(sessions.verify(second));
  EXPECT_TRUE(sessions.verify(bobs));
}

TEST_F(LoginTest, WhatAProviderWantsKeptIsSealedWithTheSession) {
  SignedIn alice = known_as("a-17", "alice");
  alice.state = AuthState{{{"mail", {"alice@example.fr"}}}, "refresh-1"};
  alice.sign_out_hint = "id-token-of-alice";
  alice.next = "/user/alice/tree";
  says(alice);
  auto answer = sign_in();
  const Welcome& welcome = std::get<Welcome>(*answer);
  EXPECT_EQ(welcome.next, "/user/alice/tree");
  const std::string sealed = wait(sessions.sealed_hint(welcome.session));
  EXPECT_EQ(sealed.find("id-token"), std::string::npos);
  const States states(identities, sealer);
  EXPECT_EQ(states.open_hint(sealed), "id-token-of-alice");
  EXPECT_EQ(identities.states.size(), 1U);
}

TEST_F(LoginTest, AProvidersNextThatLeavesTheSiteIsDropped) {
  for (const char* next :
       {"//evil.example", "https://evil.example/", "/\\evil", "javascript:alert(1)"}) {
    SignedIn alice = known_as("a-17", "alice");
    alice.next = next;
    says(alice);
    EXPECT_EQ(std::get<Welcome>(*sign_in()).next, "") << next;
  }
}

}  // namespace
}  // namespace passerelle::auth
