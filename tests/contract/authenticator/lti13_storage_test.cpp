// A frame of the platform's page keeps what our cookie would hold (LTI postMessage Storage 0.1),
// and nothing is weaker for it.
#include "tests/contract/authenticator/lti13_house.hpp"

namespace passerelle::auth {
namespace {

using testing::Moodle;

/// A browser that shows us in a frame of the platform's page and keeps none of our cookies there.
struct Framed : Moodle {
  AuthRequest start() const {
    AuthRequest one = initiation();
    one.form.emplace_back("lti_storage_target", "keeper");
    one.framed = true;
    return one;
  }
  KeepInFrame kept_in_frame() {
    auto answer = ask(start());
    auto wanted = std::get<KeepInFrame>(std::move(*answer));
    sent = *text::parse_form(std::string_view(wanted.url).substr(wanted.url.find('?') + 1));
    return wanted;
  }
  AuthRequest answered() {
    AuthRequest back = request("POST", "oauth_callback");
    back.framed = true;
    back.form = {{"state", std::string(text::field(sent, "state"))},
                 {"id_token", jwt::sign({{"typ", "JWT"}}, claims(), key).value()}};
    return back;
  }
  /// What our page posts once the frame has said something.
  AuthRequest proved(const std::string& value) {
    AuthRequest back = answered();
    back.from_us = true;
    back.form.emplace_back("storage_proof", value);
    return back;
  }
};

TEST(Lti13Storage, TheFrameKeepsWhatTheCookieWould) {
  Framed moodle;
  const KeepInFrame kept = moodle.kept_in_frame();
  EXPECT_EQ(kept.frame.origin, moodle.issuer) << "the origin of auth_url, without its path";
  EXPECT_EQ(kept.frame.name, "keeper");
  EXPECT_FALSE(kept.frame.key.empty());
  EXPECT_GE(kept.value.size(), 43U);
  EXPECT_EQ(kept.url.find(kept.value), std::string::npos) << "the platform itself is not told";
  EXPECT_TRUE(kept.url.starts_with(moodle.issuer + "/auth?x=1&"));
  EXPECT_EQ(kept.set_cookies.size(), 1U) << "where the browser keeps it, the cookie does";

  auto asked = moodle.ask(moodle.answered());
  const auto* question = std::get_if<AskFrame>(&*asked);
  ASSERT_NE(question, nullptr);
  EXPECT_EQ(question->frame.origin, kept.frame.origin);
  EXPECT_EQ(question->frame.name, kept.frame.name);
  EXPECT_EQ(question->frame.key, kept.frame.key);
  EXPECT_EQ(question->action, "/hub/lti13/oauth_callback");
  EXPECT_EQ(question->field, "storage_proof");
  EXPECT_EQ(question->fields.size(), 2U);
  EXPECT_TRUE(question->otherwise.path.starts_with("/hub/lti13/oauth_login?iss="));
  EXPECT_EQ(question->otherwise.path.find("lti_storage_target"), std::string::npos);

  auto in = moodle.ask(moodle.proved(kept.value));
  EXPECT_TRUE(std::holds_alternative<SignedIn>(*in));
  EXPECT_EQ(moodle.code(moodle.proved(kept.value)), "LTI-REPLAY");
}

TEST(Lti13Storage, WhatAnotherSiteSendsProvesNothing) {
  Framed moodle;
  const KeepInFrame kept = moodle.kept_in_frame();
  AuthRequest foreign = moodle.proved(kept.value);
  foreign.from_us = false;
  EXPECT_EQ(moodle.code(foreign), "LTI-STATE");
  auto in = moodle.ask(moodle.proved(kept.value));
  EXPECT_TRUE(std::holds_alternative<SignedIn>(*in)) << "the attempt has used nothing up";
}

TEST(Lti13Storage, OnlyTheSecretOfThisFlowCounts) {
  Framed moodle;
  const KeepInFrame other = moodle.kept_in_frame();
  const KeepInFrame kept = moodle.kept_in_frame();
  EXPECT_NE(other.value, kept.value);
  EXPECT_NE(other.frame.key, kept.frame.key);
  for (const std::string& value :
       {other.value, kept.value.substr(1), kept.value + "x", secrets::sha256_hex(kept.value),
        std::string(text::field(moodle.sent, "state")), std::string("x")})
    EXPECT_EQ(moodle.code(moodle.proved(value)), "LTI-STATE") << value;
  auto nothing = moodle.ask(moodle.proved(""));
  EXPECT_TRUE(std::holds_alternative<AskFrame>(*nothing)) << "asked for, never let in";
}

TEST(Lti13Storage, AFlowThatWasNeverKeptIsNotProved) {
  Framed moodle;
  AuthRequest plain = moodle.come_back();
  const std::string secret = plain.cookies.begin()->second;
  plain.cookies.clear();
  plain.framed = plain.from_us = true;
  plain.form.emplace_back("storage_proof", secret);
  EXPECT_EQ(moodle.code(plain), "LTI-STATE");
}

TEST(Lti13Storage, ItEndsWithTheFlow) {
  Framed moodle;
  const KeepInFrame kept = moodle.kept_in_frame();
  moodle.clock.pass(seconds(600));
  EXPECT_EQ(moodle.code(moodle.proved(kept.value)), "LTI-STATE");
}

TEST(Lti13Storage, ATokenOfAnotherFlowIsRefusedAllTheSame) {
  Framed moodle;
  const KeepInFrame first = moodle.kept_in_frame();
  const AuthRequest old = moodle.answered();
  const KeepInFrame kept = moodle.kept_in_frame();
  AuthRequest mixed = moodle.proved(kept.value);
  mixed.form[1] = old.form[1];
  EXPECT_EQ(moodle.code(mixed), "LTI-NONCE");
}

TEST(Lti13Storage, TheCookieIsEnough) {
  Framed moodle;
  const KeepInFrame kept = moodle.kept_in_frame();
  AuthRequest back = moodle.answered();
  back.cookies[kept.set_cookies.begin()->first] = kept.value;
  auto in = moodle.ask(back);
  EXPECT_TRUE(std::holds_alternative<SignedIn>(*in)) << "nobody is asked";
}

TEST(Lti13Storage, OnlyFramesNeedIt) {
  Framed moodle;
  AuthRequest tab = moodle.start();
  tab.framed = false;
  auto answer = moodle.ask(tab);
  EXPECT_TRUE(std::holds_alternative<Redirect>(*answer));
  AuthRequest odd = moodle.start();
  odd.form.back().second.assign(65, 'k');
  answer = moodle.ask(odd);
  EXPECT_TRUE(std::holds_alternative<Redirect>(*answer)) << "no name of a frame";
  moodle.kept_in_frame();
  AuthRequest back = moodle.answered();
  back.framed = false;
  answer = moodle.ask(back);
  EXPECT_TRUE(std::holds_alternative<OpenTab>(*answer));
}

TEST(Lti13Storage, WhatThePlatformDeclinesIsCarriedAsWell) {
  Framed moodle;
  const KeepInFrame kept = moodle.kept_in_frame();
  AuthRequest back = moodle.answered();
  back.form[1] = {"error", "login_required"};
  auto asked = moodle.ask(back);
  ASSERT_TRUE(std::holds_alternative<AskFrame>(*asked));
  EXPECT_EQ(std::get<AskFrame>(*asked).fields.at("error"), "login_required");
  back.from_us = true;
  back.form.emplace_back("storage_proof", kept.value);
  EXPECT_EQ(moodle.code(back), "LTI-PLATFORM");
}

}  // namespace
}  // namespace passerelle::auth
