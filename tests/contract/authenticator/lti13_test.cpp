// lti13 in the suite of all authenticators, and beside it: every vector, what a platform could say
// wrongly, flows side by side, scores, and what a teacher picks.
#include <cstdlib>
#include <fstream>

#include "auth/jwk.hpp"
#include "auth/lti13/deep_link.hpp"
#include "auth/lti13/id_token.hpp"
#include "auth/lti13/person.hpp"
#include "auth/lti13/services.hpp"
#include "tests/contract/authenticator/lti13_house.hpp"

namespace passerelle::auth {
namespace {

using testing::Answered;
using testing::Asked;
using testing::Json;
using testing::kAgs;
using testing::kDl;
using testing::kLti;
using testing::Moodle;

}  // namespace

namespace testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Lti13, AuthenticatorContract, Moodle);
}  // namespace testing

namespace {

// ---- the vectors

struct Vectors {
  Vectors() : server([this](const Asked&) { return key_set(); }) {
    const char* other = std::getenv("PASSERELLE_LTI13_VECTORS");
    std::ifstream file(other != nullptr ? other : TEST_DATA "/lti/lti13-vectors.json");
    all = Json::parse(file);
    platform.issuer = all["platform"]["issuer"];
    platform.client_id = all["platform"]["client_id"];
    platform.deployments = all["platform"]["deployment_ids"].get<std::vector<std::string>>();
    platform.jwks_url = "http://127.0.0.1:" + std::to_string(server.port) + "/jwks";
  }

  void begin() {
    house.clock.pass(from_micros(all["now"].get<std::int64_t>() * 1'000'000) - house.clock.now());
    house.nonces.used.clear();
    keys = std::make_unique<KeySource>(house.http, house.clock, "");
    const std::lock_guard lock(mutex);
    fetches = 0;
  }

  lti13::Verdict play(const Json& step) {
    {
      const std::lock_guard lock(mutex);
      served = step["jwks_served"].get<std::vector<std::string>>();
    }
    text::Form form;
    for (const auto& [name, value] : step["form"].items())
      form.emplace_back(name, value.get<std::string>());
    lti13::Expected expected;
    expected.state = step["bound"]["state"];
    expected.nonce = step["bound"]["nonce"];
    expected.now = house.clock.now();
    expected.leeway = seconds(all["leeway_s"].get<std::int64_t>());
    expected.max_age = seconds(all["max_age_s"].get<std::int64_t>());
    auto verdict =
        house.run(lti13::verify(form, platform, expected, *keys, house.nonces, "vectors"));
    house.clock.pass(seconds(step.value("wait_after_s", 0)));
    return std::move(*verdict);
  }

  Answered key_set() {
    const std::lock_guard lock(mutex);
    const std::size_t at = std::min(fetches, served.size() - 1);
    ++fetches;
    return {200, all["jwks"][served[at]].dump()};
  }

  struct House : testing::HouseBase {};
  House house;
  Json all;
  config::LtiPlatform platform;
  std::unique_ptr<KeySource> keys;
  std::mutex mutex;
  std::vector<std::string> served{""};
  std::size_t fetches = 0;
  testing::LoopbackServer server;
};

std::string error_class(const std::string& code) {
  static const std::map<std::string, std::string> kClasses = {
      {"LTI-AUD", "audience"},          {"LTI-AZP", "azp"},         {"LTI-ISS", "issuer"},
      {"LTI-EXP", "expired"},           {"LTI-TIME", "iat"},        {"LTI-ALG", "algorithm"},
      {"LTI-SIG", "signature"},         {"LTI-TOKEN", "malformed"}, {"LTI-KEYSET", "key"},
      {"LTI-NONCE", "nonce"},           {"LTI-STATE", "state"},     {"LTI-REPLAY", "state"},
      {"LTI-DEPLOYMENT", "deployment"}, {"LTI-VERSION", "version"}, {"LTI-MESSAGE", "message"},
      {"LTI-FIELD", "resource_link"},   {"LTI-USER", "subject"},    {"LTI-HEADER", "header"},
      {"LTI-PLATFORM", "platform"}};
  const auto at = kClasses.find(code);
  return at == kClasses.end() ? code : at->second;
}

void expect_accepted(const Json& claims,
                     const config::LtiPlatform& platform,
                     const Json& expect,
                     const std::string& name) {
  if (expect.contains("sub")) {
    EXPECT_EQ(claims["sub"], expect["sub"]) << name;
  }
  if (expect.contains("message")) {
    EXPECT_EQ(lti13::claim(claims, "message_type"), expect["message"]) << name;
  }
  if (expect.contains("next")) {
    const std::string next = lti13::next_of(claims, "https://hub.example.org");
    EXPECT_EQ(next, expect["next"].is_null() ? "" : expect["next"].get<std::string>()) << name;
  }
  if (expect.contains("scores_url")) {
    const auto activity =
        lti13::activity_of(claims, lti13::person_of(claims, "p", platform), "mooc");
    ASSERT_TRUE(activity) << name;
    EXPECT_EQ(lti13::scores_url(activity->grade_url), expect["scores_url"].get<std::string>());
  }
}

TEST(Lti13Vectors, EveryCaseIsJudgedAsItShould) {
  Vectors vectors;
  int steps = 0;
  for (const Json& one : vectors.all["cases"]) {
    vectors.begin();
    for (const Json& step : one["steps"]) {
      const std::string name = one["name"].get<std::string>() + " " + std::to_string(++steps);
      const lti13::Verdict verdict = vectors.play(step);
      const Json& expect = step["expect"];
      const auto* refused = std::get_if<lti::Refusal>(&verdict);
      if (expect["ok"] == false) {
        EXPECT_NE(refused, nullptr) << name;
        if (refused != nullptr) {
          EXPECT_EQ(error_class(refused->code), expect["error"].get<std::string>())
              << name << ": " << refused->detail;
        }
      } else if (expect["ok"] == true) {
        EXPECT_EQ(refused, nullptr) << name << ": " << (refused ? refused->detail : "");
      }
      if (refused == nullptr)
        expect_accepted(std::get<Json>(verdict), vectors.platform, expect, name);
      if (expect.contains("jwks_fetches")) {
        EXPECT_EQ(vectors.fetches, expect["jwks_fetches"].get<std::size_t>()) << name;
      }
    }
  }
  EXPECT_GT(steps, 0);
}

// ---- launches

TEST(Lti13, ALaunchSaysWhoAndWhat) {
  Moodle moodle;
  const SignedIn person = moodle.in();
  EXPECT_EQ(person.identity.subject, lti::subject_of(moodle.issuer, "5"));
  EXPECT_EQ(person.identity.username_hint, "room-zoe");
  EXPECT_EQ(person.identity.display_name, "Zoé D'Arcy");
  EXPECT_EQ(person.identity.groups, (std::vector<std::string>{"mooc", "lti/moodle/c1/learner"}));
  EXPECT_TRUE(person.framed);
  EXPECT_EQ(person.launch, "");
  EXPECT_EQ(person.next, "");
  ASSERT_TRUE(person.activity);
  EXPECT_EQ(person.activity->link, "rl-1");
  EXPECT_EQ(person.activity->grade_reference, "5");
  EXPECT_EQ(person.state->attributes.at("context_title"),
            std::vector<std::string>{"Files d'attente"});
  for (const auto& [name, cookie] : person.set_cookies) EXPECT_TRUE(cookie.value.empty()) << name;
}

TEST(Lti13, TeachersAreThoseOfTheCourse) {
  Moodle moodle;
  const std::string vocabulary = "http://purl.imsglobal.org/vocab/lis/v2/";
  moodle.change = [&](Json& claims) {
    claims[kLti + "roles"] = {vocabulary + "membership/Instructor#TeachingAssistant"};
  };
  EXPECT_EQ(moodle.in().identity.groups,
            (std::vector<std::string>{"mooc", "teachers", "lti/moodle/c1/instructor"}));
  moodle.change = [&](Json& claims) {
    claims[kLti + "roles"] = {vocabulary + "institution/person#Administrator",
                              vocabulary + "system/person#Administrator"};
  };
  EXPECT_EQ(moodle.in().identity.groups.back(), "lti/moodle/c1/learner");
}

TEST(Lti13, TheBrowserIsOnlySentWhereTheOperatorsWrote) {
  Moodle moodle;
  moodle.come_back();
  const auto field = [&](const char* name) { return std::string(text::field(moodle.sent, name)); };
  EXPECT_EQ(field("x"), "1");  // the endpoint's own query stays
  EXPECT_EQ(field("scope"), "openid");
  EXPECT_EQ(field("response_mode"), "form_post");
  EXPECT_EQ(field("prompt"), "none");
  EXPECT_EQ(field("redirect_uri"), "https://hub.test/hub/lti13/oauth_callback");
  EXPECT_EQ(field("lti_message_hint"), R"({"cmid":"1"})");
  for (const auto& [name, value] :
       text::Form{{"iss", "https://evil.example"}, {"client_id", "x"}}) {
    AuthRequest other = moodle.initiation();
    std::erase_if(other.form, [&](const auto& one) { return one.first == name; });
    other.form.emplace_back(name, value);
    EXPECT_EQ(moodle.code(std::move(other)), "LTI-REGISTRATION") << name;
  }
}

TEST(Lti13, AnAnswerCountsOnceAndInItsOwnBrowser) {
  Moodle moodle;
  AuthRequest first = moodle.come_back();
  AuthRequest second = moodle.come_back();  // another activity on the same page
  second.cookies.insert(first.cookies.begin(), first.cookies.end());
  EXPECT_EQ(moodle.code(second), "");
  EXPECT_EQ(moodle.code(first), "");
  EXPECT_EQ(moodle.code(first), "LTI-REPLAY");
  AuthRequest elsewhere = moodle.come_back();
  elsewhere.cookies.clear();
  auto answer = moodle.ask(elsewhere);
  const auto* tab = std::get_if<OpenTab>(&*answer);
  ASSERT_NE(tab, nullptr) << "without the cookie one click begins again";
  EXPECT_TRUE(tab->path.starts_with("/hub/lti13/oauth_login?iss=")) << tab->path;
  AuthRequest swapped = moodle.come_back();
  for (auto& [name, value] : swapped.cookies) value = first.cookies.begin()->second;
  answer = moodle.ask(swapped);
  EXPECT_TRUE(std::holds_alternative<OpenTab>(*answer));
  moodle.clock.pass(seconds(601));
  EXPECT_EQ(moodle.code(elsewhere), "LTI-STATE");
}

TEST(Lti13, FlowsUnderWayAreBounded) {
  Moodle moodle;
  std::map<std::string, std::string> cookies;
  for (int i = 0; i < 40; ++i) {
    AuthRequest start = moodle.initiation();
    start.cookies = cookies;
    auto away = moodle.ask(start);
    for (const auto& [name, cookie] : std::get<Redirect>(*away).set_cookies) {
      EXPECT_TRUE(cookie.framed);
      if (cookie.value.empty())
        cookies.erase(name);
      else
        cookies[name] = cookie.value;
    }
    moodle.clock.pass(seconds(1));
  }
  EXPECT_EQ(cookies.size(), 12U);
}

TEST(Lti13, RefreshEndsWithTheRegistration) {
  Moodle moodle;
  Known known;
  known.identity = moodle.in().identity;
  EXPECT_TRUE(moodle.run(moodle.method->refresh(known)));
  moodle.write(
      "other:\n  issuer: https://other.example\n  client_id: x\n  auth_url: "
      "https://other.example/a\n  jwks_url: https://other.example/j\n  deployments: "
      "[\"1\"]\n");
  EXPECT_EQ(moodle.run(moodle.method->refresh(known)).error().code(), Errc::forbidden);
}

// ---- our keys and the scores

TEST(Lti13, OurKeysAreKeptAndReplaced) {
  Moodle moodle;
  const auto published = [&] {
    auto answer = moodle.ask(moodle.request("GET", "jwks.json"));
    return Json::parse(std::get<Reply>(*answer).body)["keys"];
  };
  const Json first = published();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_FALSE(first[0].contains("d")) << "only the public half";
  for (const auto& [name, value] : moodle.kept.values)
    EXPECT_EQ(value.find("PRIVATE"), std::string::npos) << "sealed";
  moodle.method = make_authenticator(moodle.settings, moodle.around()).value();
  EXPECT_EQ(published(), first) << "a restart keeps them";
  moodle.clock.pass(std::chrono::hours(24 * 91));
  const Json both = published();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0], first[0]);
  moodle.run(moodle.method->deliver(moodle.graded(1, 2)));
  const auto kid_of = [](const Asked& asked) {
    const text::Form form = *text::parse_form(asked.body);
    const std::string compact(text::field(form, "client_assertion"));
    return Json::parse(*jwt::decode_base64url(compact.substr(0, compact.find('.'))))["kid"];
  };
  EXPECT_EQ(kid_of(moodle.asked_for("/token").back()), first[0]["kid"]) << "not before tomorrow";
  moodle.clock.pass(std::chrono::hours(25));
  moodle.run(moodle.method->deliver(moodle.graded(1, 2)));
  EXPECT_EQ(kid_of(moodle.asked_for("/token").back()), both[1]["kid"]);
  moodle.clock.pass(std::chrono::hours(25));
  EXPECT_EQ(published().size(), 1U) << "the old one has gone";
}

TEST(Lti13, AScoreIsSentAsThePlatformWantsIt) {
  Moodle moodle;
  const Delivered outcome = moodle.run(moodle.method->deliver(moodle.graded(17, 20)));
  EXPECT_EQ(outcome.kind, Delivered::Kind::taken) << outcome.detail;
  const auto sent = moodle.asked_for("/lineitems/");
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].path, "/lineitems/4/lineitem/scores?type_id=2");
  EXPECT_NE(sent[0].head.find("Bearer at"), std::string::npos);
  EXPECT_NE(sent[0].head.find("application/vnd.ims.lis.v1.score+json"), std::string::npos);
  const Json score = Json::parse(sent[0].body);
  EXPECT_EQ(score["userId"], "5");
  EXPECT_EQ(score["scoreGiven"], 17.0);
  EXPECT_EQ(score["scoreMaximum"], 20.0);
  EXPECT_EQ(score["gradingProgress"], "FullyGraded");
  moodle.run(moodle.method->deliver(moodle.graded(18, 20)));
  EXPECT_EQ(moodle.asked_for("/token").size(), 1U) << "the token is kept";
  const text::Form form = *text::parse_form(moodle.asked_for("/token")[0].body);
  const std::string compact(text::field(form, "client_assertion"));
  const std::vector<std::string> rs256 = {"RS256"};
  const auto token = jwt::take_apart(compact, rs256);
  ASSERT_TRUE(token);
  auto keys = moodle.ask(moodle.request("GET", "jwks.json"));
  const auto set = read_key_set(std::get<Reply>(*keys).body);
  const auto claims = jwt::open(*token, set->front());
  ASSERT_TRUE(claims) << "signed with what we publish";
  EXPECT_EQ((*claims)["aud"], moodle.issuer + "/token");
  EXPECT_EQ((*claims)["sub"], "hub");
}

TEST(Lti13, WhatAPlatformAnswersToAScore) {
  Moodle moodle;
  using Kind = Delivered::Kind;
  for (const auto& [status, kind] : {std::pair{201, Kind::taken},
                                     {204, Kind::taken},
                                     {409, Kind::taken},
                                     {503, Kind::later},
                                     {429, Kind::later},
                                     {404, Kind::refused},
                                     {403, Kind::refused}}) {
    moodle.score_status = status;
    EXPECT_EQ(moodle.run(moodle.method->deliver(moodle.graded(1, 1))).kind, kind) << status;
  }
}

// A course's author cannot make us call what only we can reach.
TEST(Lti13, ScoresGoToThePlatformOnly) {
  Moodle moodle;
  for (const std::string url :
       {"http://127.0.0.1:1/x", "http://169.254.169.254/latest", "https://evil.example/lineitem",
        "file:///etc/passwd", "http://localhost/x", "https://user@evil.example/x"}) {
    store::ActivityRow row = moodle.graded(1, 1);
    row.activity.grade_url = url;
    EXPECT_EQ(moodle.run(moodle.method->deliver(row)).kind, Delivered::Kind::refused) << url;
  }
  EXPECT_TRUE(moodle.asked_for("/token").empty());
}

// ---- deep linking

TEST(Lti13, ATeacherPicksAndThePlatformIsTold) {
  Moodle moodle;
  moodle.change = [](Json& claims) {
    claims[kLti + "message_type"] = "LtiDeepLinkingRequest";
    claims.erase(kLti + "resource_link");
    claims[kLti + "roles"] = {"http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"};
    claims[kDl + "deep_linking_settings"] = {{"accept_types", {"ltiResourceLink"}},
                                             {"deep_link_return_url", "https://lms.example.org/dl"},
                                             {"data", "opaque=1"}};
  };
  auto asked = moodle.ask(moodle.right());
  const auto& wanted = std::get<ChooseContent>(*asked);
  EXPECT_EQ(wanted.action, "/hub/auth/room/content");
  AuthRequest choice = moodle.request("POST", "content");
  choice.form = {{"request", wanted.request},
                 {"profile", "notebook"},
                 {"title", "TP 2"},
                 {"next", "/hub/user-redirect/lab/tree/tp2.ipynb"},
                 {"maximum", "20"}};
  auto answer = moodle.ask(choice);
  const auto& post = std::get<PostOn>(*answer);
  EXPECT_EQ(post.url, "https://lms.example.org/dl");
  const std::vector<std::string> rs256 = {"RS256"};
  const auto token = jwt::take_apart(post.fields.at("JWT"), rs256);
  ASSERT_TRUE(token);
  auto keys = moodle.ask(moodle.request("GET", "jwks.json"));
  const auto claims = jwt::open(*token, read_key_set(std::get<Reply>(*keys).body)->front());
  ASSERT_TRUE(claims);
  EXPECT_EQ((*claims)["iss"], "hub");
  EXPECT_EQ((*claims)["aud"], moodle.issuer);
  EXPECT_EQ((*claims)[kLti + "deployment_id"], "1");
  EXPECT_EQ((*claims)[kDl + "data"], "opaque=1");
  const Json& item = (*claims)[kDl + "content_items"][0];
  EXPECT_EQ(item["custom"]["profile"], "notebook");
  EXPECT_EQ(item["custom"]["next"], "/hub/user-redirect/lab/tree/tp2.ipynb");
  EXPECT_EQ(item["lineItem"]["scoreMaximum"], 20.0);

  choice.form[3].second = "https://evil.example/";
  EXPECT_EQ(moodle.code(choice), "LTI-CHOICE");
  choice.form[0].second.back() = choice.form[0].second.back() == 'A' ? 'B' : 'A';
  EXPECT_EQ(moodle.code(choice), "LTI-TICKET");
  moodle.change = [before = moodle.change](Json& all) {
    before(all);
    all[kLti + "roles"] = {"http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"};
  };
  EXPECT_EQ(moodle.code(moodle.right()), "LTI-ROLE");
}

TEST(Lti13, TheDescriptionNamesOurAddresses) {
  Moodle moodle;
  auto answer = moodle.ask(moodle.request("GET", "config"));
  const Json all = Json::parse(std::get<Reply>(*answer).body);
  EXPECT_EQ(all["oidc_initiation_url"], "https://hub.test/hub/lti13/oauth_login");
  EXPECT_EQ(all["public_jwk_url"], "https://hub.test/hub/lti13/jwks.json");
}

}  // namespace
}  // namespace passerelle::auth
