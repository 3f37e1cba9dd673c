// Refresher: one question for each identity at a time, and an answer that counts at once.
#include "auth/refresh.hpp"

#include <gtest/gtest.h>

#include "tests/unit/auth/world.hpp"

namespace passerelle::auth {
namespace {

using testing::wait;

// Answers when the test lets it.
class Provider final : public Authenticator {
 public:
  const std::string& name() const noexcept override { return name_; }
  SignInOffer offer() const override { return {}; }
  Task<Result<AuthAnswer>> handle(AuthRequest) override {
    co_return Error(Errc::not_found, "not here");
  }
  Task<Result<Known>> refresh(Known known) override {
    ++asked;
    if (pause.count() > 0) co_await sleep_for(pause);
    co_return answer(std::move(known));
  }

  int asked = 0;
  std::chrono::milliseconds pause{0};
  std::function<Result<Known>(Known)> answer = [](Known known) { return known; };

 private:
  const std::string name_ = "univ";
};

class RefresherTest : public ::testing::Test {
 protected:
  RefresherTest() {
    refresher.on_put_out = [this](const store::User& user, std::string_view reason) {
      put_out.push_back(user.username + " " + std::string(reason));
    };
  }

  // Somebody with these groups, signed in.
  SessionPointer signed_in(std::string subject, std::vector<std::string> groups) {
    store::NewUser wanted;
    wanted.authenticator = "univ";
    wanted.subject = subject;
    wanted.wanted_username = subject;
    wanted.display_name = subject;
    wanted.groups = std::move(groups);
    const auto user = wait(users.enter(std::move(wanted), false))->user;
    SessionTable::Issue issue;
    issue.account = make_account(user, std::get<Admitted>(policy.admit(user)));
    auto issued = wait(sessions.issue(std::move(issue)));
    secret = issued->secret;
    refresher.seen("univ", subject);
    return issued->session;
  }
  Result<store::User> refresh(std::string subject) {
    return wait(refresher.refresh("univ", std::move(subject)));
  }
  void say_groups(std::vector<std::string> groups) {
    provider.answer = [groups](Known known) {
      known.identity.groups = groups;
      return Result<Known>(std::move(known));
    };
  }
  void say(Errc code) {
    provider.answer = [code](Known) { return Result<Known>(Error(code, "so it is")); };
  }

  testing::StillClock clock;
  testing::MemoryUsers users;
  testing::MemoryIdentities identities{users};
  testing::MemorySessions session_rows;
  testing::MemoryTokens token_rows;
  testing::MemoryAudit audit;
  Csrf csrf{"key"};
  SessionTable sessions{session_rows, csrf, clock, {}};
  TokenTable tokens{token_rows, clock};
  secrets::Sealer sealer{{std::string(32, 'k')}};
  States states{identities, sealer};
  Provider provider;
  Policy policy{[] {
                  config::Access rules;
                  rules.allow.groups = {"staff"};
                  rules.admins.groups = {"hub-admins"};
                  return rules;
                }(),
                {}};
  Refresher refresher{{users, audit, sessions, tokens, policy, states, clock,
                       [this](std::string_view name) -> Authenticator* {
                         return name == "univ" ? &provider : nullptr;
                       },
                       seconds(300)}};
  std::string secret;
  std::vector<std::string> put_out;
};

TEST_F(RefresherTest, NewGroupsCountAtOnce) {
  signed_in("alice", {"staff"});
  say_groups({"staff", "hub-admins"});
  EXPECT_EQ(refresh("alice")->groups, (std::vector<std::string>{"staff", "hub-admins"}));
  EXPECT_TRUE(sessions.verify(secret)->account().admin);
}

TEST_F(RefresherTest, AdministrationIsWithdrawnWithTheGroup) {
  signed_in("alice", {"staff", "hub-admins"});
  EXPECT_TRUE(sessions.verify(secret)->account().admin);
  say_groups({"staff"});
  EXPECT_TRUE(refresh("alice"));
  EXPECT_FALSE(sessions.verify(secret)->account().admin);
}

TEST_F(RefresherTest, WhoLosesTheLastAllowedGroupIsOut) {
  const SessionPointer session = signed_in("alice", {"staff"});
  say_groups({"guests"});
  EXPECT_EQ(refresh("alice").error().code(), Errc::forbidden);
  EXPECT_FALSE(sessions.verify(secret));
  EXPECT_FALSE(session->life->alive());
  EXPECT_EQ(put_out, std::vector<std::string>{"alice not-allowed"});
}

TEST_F(RefresherTest, WhoTheAuthenticatorRefusesIsOut) {
  signed_in("alice", {"staff"});
  say(Errc::forbidden);
  EXPECT_EQ(refresh("alice").error().code(), Errc::forbidden);
  EXPECT_FALSE(sessions.verify(secret));
  EXPECT_EQ(put_out, std::vector<std::string>{"alice refresh-refused"});
}

TEST_F(RefresherTest, AProviderThatIsDownChangesNothing) {
  signed_in("alice", {"staff"});
  for (const Errc code : {Errc::unavailable, Errc::timeout, Errc::internal}) {
    say(code);
    EXPECT_EQ(refresh("alice").error().code(), code);
    EXPECT_TRUE(sessions.verify(secret));
  }
  EXPECT_TRUE(put_out.empty());
}

TEST_F(RefresherTest, ABlockedPersonIsOut) {
  signed_in("alice", {"staff"});
  EXPECT_TRUE(wait(users.set_blocked(1, true)));
  EXPECT_EQ(refresh("alice").error().code(), Errc::forbidden);
  EXPECT_FALSE(sessions.verify(secret));
}

TEST_F(RefresherTest, StatesAreKeptSealedForTheirIdentity) {
  signed_in("alice", {"staff"});
  signed_in("bob", {"staff"});
  provider.answer = [](Known known) {
    known.state = AuthState{{{"mail", {"alice@example.fr"}}}, "refresh-token-2"};
    return Result<Known>(std::move(known));
  };
  EXPECT_TRUE(refresh("alice"));
  const std::string sealed = identities.states.begin()->second;
  EXPECT_EQ(sealed.find("refresh-token-2"), std::string::npos);
  EXPECT_EQ((*wait(states.find("univ", "alice")))->secret, "refresh-token-2");
  identities.states[{"univ", "bob"}] = sealed;  // moved to another row
  EXPECT_FALSE(*wait(states.find("univ", "bob")));
}

TEST_F(RefresherTest, StatesOpenWithOldKeysAndNotWithoutThem) {
  signed_in("alice", {"staff"});
  EXPECT_TRUE(wait(states.put("univ", "alice", AuthState{{}, "s"})));
  const std::string first(32, 'k');
  const std::string second(32, 'n');
  const secrets::Sealer rotated({second, first});
  const secrets::Sealer gone({second});
  EXPECT_EQ((*wait(States(identities, rotated).find("univ", "alice")))->secret, "s");
  EXPECT_FALSE(*wait(States(identities, gone).find("univ", "alice")));
  EXPECT_TRUE(wait(States(identities, rotated).put("univ", "alice", AuthState{{}, "t"})));
  EXPECT_EQ((*wait(States(identities, gone).find("univ", "alice")))->secret, "t");
}

// A refresh token is good once: whoever asks meanwhile waits for the same answer.
TEST_F(RefresherTest, OneQuestionAtATimeForOneIdentity) {
  signed_in("alice", {"staff"});
  provider.pause = std::chrono::milliseconds(20);
  asio::io_context loop;
  int answered = 0;
  for (int i = 0; i < 5; ++i)
    asio::co_spawn(loop, refresher.refresh("univ", "alice"),
                   [&](std::exception_ptr, Result<store::User> user) { answered += user ? 1 : 0; });
  loop.run();
  EXPECT_EQ(answered, 5);
  EXPECT_EQ(provider.asked, 1);
}

TEST_F(RefresherTest, OldSessionsInUseAreAskedAbout) {
  signed_in("alice", {"staff"});
  const std::string alices = secret;
  signed_in("bob", {"staff"});
  auto sweep = [this]() -> Task<int> {
    co_await refresher.refresh_old();
    co_return 0;
  };
  wait(sweep());
  EXPECT_EQ(provider.asked, 0);  // nobody is old
  clock.pass(seconds(400));
  wait(sweep());
  EXPECT_EQ(provider.asked, 0);  // nobody was used since
  sessions.verify(alices);
  wait(sweep());
  EXPECT_EQ(provider.asked, 1);
  wait(sweep());
  EXPECT_EQ(provider.asked, 1);
}

TEST_F(RefresherTest, SessionsOfAMethodThatIsGoneEnd) {
  signed_in("alice", {"staff"});
  Refresher without({users, audit, sessions, tokens, policy, states, clock,
                     [](std::string_view) -> Authenticator* { return nullptr; }, seconds(300)});
  EXPECT_EQ(wait(without.refresh("univ", "alice")).error().code(), Errc::forbidden);
  EXPECT_FALSE(sessions.verify(secret));
}

}  // namespace
}  // namespace passerelle::auth
