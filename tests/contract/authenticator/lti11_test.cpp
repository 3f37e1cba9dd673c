// lti11 in the suite of all authenticators, and beside it: every vector, who a launch makes of a
// person, and what strangers can do with a consumer key.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include <nlohmann/json.hpp>

#include "auth/lti11/launch.hpp"
#include "auth/lti11/oauth.hpp"
#include "auth/lti11/outcome.hpp"
#include "auth/lti11/person.hpp"
#include "auth/lti_person.hpp"
#include "base/xml.hpp"
#include "store/username.hpp"
#include "tests/contract/authenticator/contract.hpp"

namespace passerelle::auth {
namespace {

using nlohmann::json;
using testing::wait;

constexpr const char* kSecret = "edx-secret";
constexpr const char* kConsumers = R"(
edx-key:
  secret: edx-secret
  groups: [mooc]
  instructor_groups: [teachers]
  frame_origins: ["https://Courses.example.org"]
moodle-key:
  secret: "s3cret &=%é/+"
  prefix: moodle
  username: custom_login
  frame_origins: ["https://moodle.example.org:8443"]
)";

std::string new_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "lti11.XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return path;
}

/// What a platform does.
void sign(AuthRequest& request, const std::string& secret, std::string_view origin) {
  text::Form all = request.query;
  all.insert(all.end(), request.form.begin(), request.form.end());
  const std::string base =
      lti11::base_string("POST", lti11::base_uri(origin, request.whole_path), all);
  request.form.emplace_back("oauth_signature", lti11::sign(lti11::Method::hmac_sha1, base, secret));
}

struct Course : testing::HouseBase {
  Course() {
    write(kConsumers);
    settings.name = "mooc";
    settings.type = "lti11";
    settings.groups = {"course"};
    settings.lti11.consumers = file;
    method = make_authenticator(settings, around()).value();
  }
  ~Course() {
    method.reset();
    std::filesystem::remove_all(folder);
  }
  void write(std::string_view consumers) const {
    std::ofstream(file + ".new") << consumers;  // no fsync: a busy disk would take seconds
    std::filesystem::rename(file + ".new", file);
  }

  AuthRequest unsigned_launch(const text::Form& more = {}) {
    AuthRequest request;
    request.method = "POST";
    request.path = "launch";
    request.whole_path = "/hub/lti/launch";
    request.origin = "https://hub.test";
    request.form = {{"lti_message_type", "basic-lti-launch-request"},
                    {"lti_version", "LTI-1p0"},
                    {"resource_link_id", "rl-1"},
                    {"user_id", "29123abc"},
                    {"roles", "Learner"},
                    {"context_id", "course-1"},
                    {"oauth_consumer_key", "edx-key"},
                    {"oauth_signature_method", "HMAC-SHA1"},
                    {"oauth_nonce", "n" + std::to_string(++nonce)},
                    {"oauth_timestamp", std::to_string(to_micros(clock.now()) / 1'000'000)},
                    {"oauth_version", "1.0"}};
    for (const auto& [name, value] : more) {
      std::erase_if(request.form, [&](const auto& field) { return field.first == name; });
      request.form.emplace_back(name, value);
    }
    return request;
  }
  AuthRequest launch(const text::Form& more = {}, const std::string& secret = kSecret) {
    AuthRequest request = unsigned_launch(more);
    sign(request, secret, request.origin);
    return request;
  }
  AuthRequest right() { return launch(); }
  AuthRequest wrong() { return launch({}, "guess"); }

  SignedIn person(const text::Form& more, const std::string& secret = kSecret) {
    return std::get<SignedIn>(ask(launch(more, secret)).value());
  }
  std::string code(AuthRequest request) {
    auto answer = ask(std::move(request));
    if (!answer) return "error: " + answer.error().message();
    const auto* form = std::get_if<ShowForm>(&*answer);
    return form == nullptr ? "" : form->code;
  }

  const std::string folder = new_folder();
  const std::string file = folder + "/consumers.yaml";
  int nonce = 0;
  config::Authenticator settings;
};

const char* const kMoodleSecret = "s3cret &=%\u00e9/+";

}  // namespace

namespace testing {
using Courses = ::testing::Types<Course>;
INSTANTIATE_TYPED_TEST_SUITE_P(Lti11, AuthenticatorContract, Courses);
}  // namespace testing

namespace {

// ---- the vectors
// ---------------------------------------------------------------------------------

json vectors() {
  const char* other = std::getenv("PASSERELLE_LTI11_VECTORS");
  std::ifstream file(other != nullptr ? other : TEST_DATA "/lti/lti11-vectors.json");
  return json::parse(file);
}

lti11::Incoming incoming_of(const json& request) {
  const std::string target = request["target"];
  const std::size_t mark = target.find('?');
  const json& headers = request["headers"];
  std::string scheme = request["transport"];
  if (request["peer"] == "trusted-proxy" && headers.contains("X-Forwarded-Proto"))
    scheme = headers["X-Forwarded-Proto"];
  lti11::Incoming incoming;
  incoming.method = request["method"];
  incoming.path = target.substr(0, mark);
  incoming.origin = scheme + "://" + headers["Host"].get<std::string>();
  if (mark != std::string::npos)
    incoming.query = text::parse_form(target.substr(mark + 1)).value_or(text::Form());
  incoming.form = text::parse_form(request.value("body", std::string())).value_or(text::Form());
  return incoming;
}

std::string error_class(const std::string& code) {
  static const std::map<std::string, std::string> kClasses = {
      {"LTI-KEY", "consumer"},  {"LTI-SIG", "signature"},   {"LTI-FIELD", "missing"},
      {"LTI-USER", "missing"},  {"LTI-TIME", "timestamp"},  {"LTI-REPLAY", "replay"},
      {"LTI-METHOD", "method"}, {"LTI-MESSAGE", "message"}, {"LTI-VERSION", "version"}};
  const auto at = kClasses.find(code);
  return at == kClasses.end() ? code : at->second;
}

struct Vectors {
  Vectors() : all(vectors()) {
    for (const auto& [key, secret] : all["consumers"].items()) consumers[key].secret.value = secret;
  }
  std::variant<lti11::Launch, lti11::Refusal> play(const json& step) {
    const Instant now = from_micros(all["now"].get<std::int64_t>() * 1'000'000);
    auto verified = lti11::verify(incoming_of(step["request"]), consumers, now,
                                  seconds(all["window_seconds"].get<std::int64_t>()));
    const auto* launch = std::get_if<lti11::Launch>(&verified);
    if (launch == nullptr) return verified;
    auto fresh = wait(nonces.use(launch->consumer, launch->nonce, now, now + seconds(600), 1000));
    if (!*fresh) return lti11::Refusal{"LTI-REPLAY", ""};
    return verified;
  }
  json all;
  config::LtiConsumers consumers;
  testing::MemoryNonces nonces;
};

void expect_accepted(const lti11::Launch& launch, const json& expect, const std::string& name) {
  if (expect.contains("consumer_key")) {
    EXPECT_EQ(launch.consumer, expect["consumer_key"].get<std::string>()) << name;
  }
  if (expect.contains("user_id")) {
    EXPECT_EQ(launch.user_id, expect["user_id"].get<std::string>()) << name;
  }
  if (expect.contains("fields")) {
    for (const auto& [field, value] : expect["fields"].items())
      EXPECT_EQ(lti11::only_field(launch.fields, field), value.get<std::string>()) << name;
  }
  if (expect.contains("roles")) {
    std::string roles;
    for (const json& role : expect["roles"])
      roles += (roles.empty() ? "" : ",") + role.get<std::string>();
    EXPECT_EQ(lti11::only_field(launch.fields, "roles"), roles) << name;
  }
  if (expect.contains("next")) {
    const json& next = expect["next"];
    EXPECT_EQ(lti11::next_of(launch, "https://hub.example.org"),
              next.is_null() ? std::string() : next.get<std::string>())
        << name;
  }
  if (!expect.contains("username_must_match")) return;
  const std::string username =
      store::clean_username(lti11::identity_of(launch, "mooc", {}).username_hint);
  EXPECT_TRUE(
      std::regex_match(username, std::regex(expect["username_must_match"].get<std::string>())))
      << username;
  for (const json& never : expect["username_must_not_be"])
    EXPECT_NE(username, never.get<std::string>()) << name;
}

TEST(Lti11Vectors, EveryCaseIsJudgedAsItShould) {
  Vectors vectors;
  int steps = 0;
  for (const json& one : vectors.all["cases"]) {
    vectors.nonces.used.clear();
    for (const json& step : one["steps"]) {
      const std::string name = one["name"].get<std::string>() + " " + std::to_string(++steps);
      const auto outcome = vectors.play(step);
      const json& expect = step["expect"];
      const auto* refused = std::get_if<lti11::Refusal>(&outcome);
      if (expect["ok"] == false) {
        ASSERT_NE(refused, nullptr) << name;
        EXPECT_EQ(error_class(refused->code), expect["error"].get<std::string>())
            << name << ": " << refused->detail;
      } else if (expect["ok"] == true) {
        ASSERT_EQ(refused, nullptr) << name << ": " << refused->detail;
      }
      if (refused == nullptr) expect_accepted(std::get<lti11::Launch>(outcome), expect, name);
    }
  }
  EXPECT_GE(steps, 29);
}

// What the sender says it signed, so that a wrong base string shows itself and not only the
// refusal.
TEST(Lti11Vectors, TheBaseStringIsTheSenders) {
  Vectors vectors;
  int compared = 0;
  for (const json& one : vectors.all["cases"]) {
    for (const json& step : one["steps"]) {
      if (step["expect"]["ok"] != true || !step.contains("signed")) continue;
      const lti11::Incoming incoming = incoming_of(step["request"]);
      text::Form all = incoming.query;
      all.insert(all.end(), incoming.form.begin(), incoming.form.end());
      EXPECT_EQ(lti11::base_string("POST", lti11::base_uri(incoming.origin, incoming.path), all),
                step["signed"]["base_string"].get<std::string>())
          << one["name"];
      ++compared;
    }
  }
  EXPECT_GE(compared, 10);
}

// ---- refusals
// --------------------------------------------------------------------------------------

TEST(Lti11, RefusalsHaveCodes) {
  Course course;
  EXPECT_EQ(course.code(course.wrong()), "LTI-SIG");
  EXPECT_EQ(course.code(course.launch({{"oauth_consumer_key", "nobody"}})), "LTI-KEY");
  EXPECT_EQ(course.code(course.launch({{"oauth_timestamp", "1"}})), "LTI-TIME");
  EXPECT_EQ(course.code(course.launch({{"user_id", ""}})), "LTI-USER");
  EXPECT_EQ(course.code(course.launch({{"user_id", std::string(256, 'u')}})), "LTI-USER");
  EXPECT_EQ(course.code(course.launch({{"user_id", "a\x01"}})), "LTI-USER");
  EXPECT_EQ(course.code(course.launch({{"lti_message_type", "x"}})), "LTI-MESSAGE");
  EXPECT_EQ(course.code(course.launch({{"lti_version", "LTI-2p0"}})), "LTI-VERSION");
  EXPECT_EQ(course.code(course.launch({{"oauth_signature_method", "PLAINTEXT"}})), "LTI-METHOD");
  EXPECT_EQ(course.code(course.launch({{"oauth_nonce", ""}})), "LTI-FIELD");
}

TEST(Lti11, TwoValuesOfAFieldThatCountsAreRefused) {
  Course course;
  AuthRequest request = course.unsigned_launch();
  request.form.emplace_back("user_id", "somebody-else");
  sign(request, kSecret, request.origin);
  EXPECT_EQ(course.code(request), "LTI-USER");
}

TEST(Lti11, AReplayIsRefusedAndAGoodOneStaysGood) {
  Course course;
  const AuthRequest request = course.launch();
  EXPECT_EQ(course.code(request), "");
  EXPECT_EQ(course.code(request), "LTI-REPLAY");
  course.clock.pass(seconds(299));
  EXPECT_EQ(course.code(request), "LTI-REPLAY");
  course.clock.pass(seconds(2));
  EXPECT_EQ(course.code(request), "LTI-TIME");
}

TEST(Lti11, ALaunchAheadOfOurClockCountsOnceAsWell) {
  Course course;
  AuthRequest request = course.launch(
      {{"oauth_timestamp", std::to_string(to_micros(course.clock.now()) / 1'000'000 + 300)}});
  EXPECT_EQ(course.code(request), "");
  for (int i = 0; i < 60; ++i) {
    course.clock.pass(seconds(10));
    EXPECT_EQ(course.code(request), "LTI-REPLAY") << i;
  }
  course.clock.pass(seconds(1));
  EXPECT_EQ(course.code(request), "LTI-TIME");
}

TEST(Lti11, AStoreThatCannotWriteLetsNobodyIn) {
  Course course;
  course.nonces.broken = true;
  EXPECT_EQ(course.ask(course.launch()).error().code(), Errc::unavailable);
}

TEST(Lti11, TheLogSaysWhichAddressWasSigned) {
  Course course;
  AuthRequest request = course.unsigned_launch();
  sign(request, kSecret, "http://inner:8000");
  request.other_origins = {"http://hub.test", "http://inner:8000"};
  auto answer = course.ask(request);
  const ShowForm form = std::get<ShowForm>(*answer);
  EXPECT_EQ(form.code, "LTI-SIG");
  EXPECT_NE(form.detail.find("would match with http://inner:8000/hub/lti/launch"),
            std::string::npos)
      << form.detail;
  EXPECT_EQ(form.detail.find("would match with http://hub.test"), std::string::npos);
  EXPECT_EQ(form.detail.find(kSecret), std::string::npos);
}

// CVE-2026-34052: whoever knows a consumer key could fill the memory with nonces, and burn those
// that the platform was about to send.
TEST(Lti11, Cve2026_34052_BadSignaturesKeepNothing) {
  Course course;
  const AuthRequest good = course.launch();
  AuthRequest stolen = good;
  stolen.form.back().second = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  const char* wanted = std::getenv("PASSERELLE_BAD_LAUNCHES");
  const int count = wanted == nullptr ? 2000 : std::atoi(wanted);
  for (int i = 0; i < count; ++i) {
    AuthRequest bad = course.unsigned_launch();
    bad.form.emplace_back("oauth_signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    ASSERT_EQ(course.code(std::move(bad)), "LTI-SIG");
  }
  EXPECT_EQ(course.code(stolen), "LTI-SIG");
  EXPECT_TRUE(course.nonces.used.empty());
  EXPECT_EQ(course.code(good), "");
}

// CVE-2023-25574: launches without any signature, or with nobody's key, were let in.
TEST(Lti11, Cve2023_25574_NothingUnsignedComesIn) {
  Course course;
  EXPECT_EQ(course.code(course.unsigned_launch()), "LTI-FIELD");
  AuthRequest empty = course.unsigned_launch();
  empty.form.emplace_back("oauth_signature", "");
  EXPECT_EQ(course.code(empty), "LTI-FIELD");
  EXPECT_EQ(course.code(course.launch({{"oauth_consumer_key", "nobody"}}, "")), "LTI-KEY");
  AuthRequest by_get = course.launch();
  by_get.method = "GET";
  by_get.query = std::move(by_get.form);
  by_get.form.clear();
  EXPECT_EQ(course.code(by_get), "LTI-METHOD");
}

// ---- who it is
// -------------------------------------------------------------------------------------

TEST(Lti11, APersonIsConsumerAndUserId) {
  Course course;
  const SignedIn edx = course.person({{"lis_person_contact_email_primary", "a@example.org"}});
  const SignedIn moodle = course.person(
      {{"oauth_consumer_key", "moodle-key"}, {"lis_person_contact_email_primary", "a@example.org"}},
      kMoodleSecret);
  EXPECT_EQ(edx.identity.subject, "edx-key/29123abc");
  EXPECT_EQ(moodle.identity.subject, "moodle-key/29123abc");
  EXPECT_NE(lti::subject_of("a/b", "c"), lti::subject_of("a", "b/c"));
  EXPECT_EQ(lti::platform_of(lti::subject_of("a/b%", "c")), "a/b%");
  const SignedIn renamed = course.person({{"lis_person_contact_email_primary", "b@example.org"}});
  EXPECT_EQ(renamed.identity.subject, edx.identity.subject);
}

TEST(Lti11, UsernamesAreReadableAndNobodyElses) {
  Course course;
  const auto hint = [&](const text::Form& more) {
    return course.person(more).identity.username_hint;
  };
  EXPECT_EQ(hint({}), "mooc-29123abc");
  EXPECT_EQ(hint({{"user_id", "5f4dcc3b5aa765d61d8327deb882cf99"}}), "mooc-5f4dcc3b");
  EXPECT_EQ(hint({{"lis_person_contact_email_primary", "Zoe.M@example.org"}}), "mooc-zoe.m");
  EXPECT_EQ(hint({{"lis_person_sourcedid", "root"},
                  {"lis_person_contact_email_primary", "z@example.org"}}),
            "mooc-root");
  EXPECT_EQ(hint({{"lis_person_name_full", "Zoé Müller"}}), "mooc-zoe-muller");
  EXPECT_EQ(hint({{"user_id", "../../root"}}), "mooc-root");
  const SignedIn moodle = course.person({{"oauth_consumer_key", "moodle-key"},
                                         {"custom_login", "zoe"},
                                         {"lis_person_sourcedid", "x"}},
                                        kMoodleSecret);
  EXPECT_EQ(moodle.identity.username_hint, "moodle-zoe");
  EXPECT_TRUE(course.method->people_choose_names());
}

TEST(Lti11, RolesOfTheContextGiveGroups) {
  Course course;
  using Groups = std::vector<std::string>;
  EXPECT_EQ(course.person({}).identity.groups,
            (Groups{"course", "mooc", "lti/edx-key/course-1/learner"}));
  EXPECT_EQ(course
                .person({{"roles", "Student, urn:lti:role:ims/lis/Instructor/Primary"},
                         {"context_id", "a/b"}})
                .identity.groups,
            (Groups{"course", "mooc", "teachers", "lti/edx-key/a%2Fb/instructor"}));
  EXPECT_TRUE(lti11::teaches("Administrator"));
  EXPECT_TRUE(lti11::teaches("urn:lti:role:ims/lis/TeachingAssistant"));
  EXPECT_FALSE(
      lti11::teaches("urn:lti:sysrole:ims/lis/Administrator,urn:lti:instrole:ims/lis/"
                     "Instructor,Student"));
  EXPECT_FALSE(lti11::teaches(""));
}

TEST(Lti11, KeepsWhatSpawnersAndGradesNeed) {
  Course course;
  const SignedIn person = course.person({{"lis_outcome_service_url", "https://x.test/o?a=1"},
                                         {"lis_result_sourcedid", "{\"data\":\"%3A\"}"},
                                         {"context_title", "Réseaux"},
                                         {"custom_long", std::string(5000, 'x')}});
  ASSERT_TRUE(person.state);
  const auto& kept = person.state->attributes;
  EXPECT_EQ(kept.at("lis_result_sourcedid").front(), "{\"data\":\"%3A\"}");
  EXPECT_EQ(kept.at("lis_outcome_service_url").front(), "https://x.test/o?a=1");
  EXPECT_EQ(kept.at("context_title").front(), "Réseaux");
  EXPECT_EQ(kept.at("consumer_key").front(), "edx-key");
  EXPECT_FALSE(kept.contains("custom_long"));
  for (const auto& [name, values] : kept) EXPECT_FALSE(name.starts_with("oauth_")) << name;
}

TEST(Lti11, LandsOnOurOwnPagesOnly) {
  Course course;
  const auto next = [&](std::string wanted) {
    return course.person({{"custom_next", std::move(wanted)}}).next;
  };
  EXPECT_EQ(next("/hub/user-redirect/lab/tree/x.ipynb"), "/hub/user-redirect/lab/tree/x.ipynb");
  EXPECT_EQ(next("https://hub.test/hub/home"), "/hub/home");
  for (const char* hostile :
       {"https://evil.test/", "//evil.test", "/\\evil.test", "https://hub.test.evil.test/",
        "https://hub.test@evil.test/", "javascript:alert(1)"})
    EXPECT_EQ(next(hostile), "") << hostile;
  EXPECT_EQ(course.person({{"custom_profile", "spark"}}).launch, "spark");
  EXPECT_TRUE(course.person({}).framed);
}

// ---- consumers
// -------------------------------------------------------------------------------------

TEST(Lti11, AConsumerIsAddedAndRemovedWithoutARestart) {
  Course course;
  const text::Form new_one = {{"oauth_consumer_key", "new"}};
  EXPECT_EQ(course.code(course.launch(new_one, "new-secret")), "LTI-KEY");
  const Identity old = course.person({}).identity;
  course.write("new: {secret: new-secret}\n");
  EXPECT_TRUE(wait(course.method->claims(course.launch(new_one, "new-secret"))));
  EXPECT_EQ(course.code(course.launch(new_one, "new-secret")), "");
  EXPECT_EQ(course.code(course.launch()), "LTI-KEY");
  EXPECT_EQ(wait(course.method->refresh({old, {}})).error().code(), Errc::forbidden);
}

TEST(Lti11, AFileThatIsWrongChangesNothing) {
  Course course;
  for (const char* wrong : {"edx-key: {secret: [", "edx-key: {}", "edx-key: {secrte: x}", "[]"}) {
    course.write(wrong);
    EXPECT_EQ(course.code(course.launch()), "") << wrong;
  }
  std::filesystem::remove(course.file);
  EXPECT_EQ(course.code(course.launch()), "");
  EXPECT_FALSE(make_authenticator(course.settings, course.around()));
}

TEST(Lti11, EachConsumerIsFramedByItsOwnPlatform) {
  Course course;
  using Origins = std::vector<std::string>;
  EXPECT_EQ(course.method->framed_by("edx-key/1"), Origins{"https://courses.example.org"});
  EXPECT_EQ(course.method->framed_by("moodle-key/1"), Origins{"https://moodle.example.org:8443"});
  EXPECT_EQ(course.method->framed_by({}).size(), 2U);
  EXPECT_TRUE(course.method->framed_by("gone/1").empty());
}

TEST(Lti11, ProblemsOfTheFileNameTheirPlaceAndNoSecret) {
  const auto wrong = config::parse_lti_consumers(
      "a:\n  secret: hush-hush\n  frame_origins: [\"https://x.test/path\"]\n  grops: [x]\nb: {}\n",
      "consumers.yaml");
  ASSERT_FALSE(wrong);
  const std::string& told = wrong.error().message();
  EXPECT_NE(told.find("consumers.yaml:3:"), std::string::npos) << told;
  EXPECT_NE(told.find("did you mean `groups`"), std::string::npos) << told;
  EXPECT_NE(told.find("consumers.yaml:5:"), std::string::npos) << told;
  EXPECT_EQ(told.find("hush"), std::string::npos) << told;
}

TEST(Lti11, DescribesItselfToTeachers) {
  Course course;
  AuthRequest request;
  request.method = "GET";
  request.path = "config";
  request.origin = "https://hub.test";
  request.whole_path = "/base/hub/lti11/config";
  auto answer = course.ask(request);
  const Reply& reply = std::get<Reply>(*answer);
  EXPECT_TRUE(reply.content_type.starts_with("application/xml"));
  EXPECT_NE(reply.body.find("<blti:launch_url>https://hub.test/base/hub/lti/launch<"),
            std::string::npos)
      << reply.body;
}

// ---- grades

store::ActivityRow graded(const SignedIn& person, std::int64_t score, std::int64_t maximum) {
  store::ActivityRow row;
  row.activity = *person.activity;
  row.score.score = score * store::kScoreUnit;
  row.score.maximum = maximum * store::kScoreUnit;
  return row;
}

const char* const kSuccess =
    "<imsx_POXEnvelopeResponse "
    "xmlns=\"http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0\"><imsx_POXHeader>"
    "<imsx_POXResponseHeaderInfo><imsx_statusInfo><imsx_codeMajor>success</imsx_codeMajor>"
    "</imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader><imsx_POXBody/>"
    "</imsx_POXEnvelopeResponse>";

TEST(Lti11Outcomes, AnAnswerIsReadAsItIsMeant) {
  using Kind = Delivered::Kind;
  std::string failure = kSuccess;
  failure.replace(failure.find("success"), 7, "failure");
  EXPECT_EQ(lti11::read_outcome(200, kSuccess).kind, Kind::taken);
  EXPECT_EQ(lti11::read_outcome(200, failure).kind, Kind::refused) << "status 200 says nothing";
  EXPECT_EQ(lti11::read_outcome(200, "<html>").kind, Kind::refused);
  EXPECT_EQ(lti11::read_outcome(200, "").kind, Kind::refused);
  EXPECT_EQ(lti11::read_outcome(503, kSuccess).kind, Kind::later);
  EXPECT_EQ(lti11::read_outcome(404, kSuccess).kind, Kind::refused);
}

TEST(Lti11Outcomes, TheEnvelopeHoldsTheIdAsItCame) {
  const std::string id = R"({"data":{"userid":"3"},"hash":"a&b<c>:+%3A"})";
  const auto root = read_xml(lti11::replace_result("m1", id, 0.85));
  ASSERT_TRUE(root) << root.error().message();
  const XmlElement& record = root->children.at(1).children.at(0).children.at(0);
  EXPECT_EQ(record.children.at(0).children.at(0).text, id);
  EXPECT_EQ(record.children.at(1).children.at(0).children.at(1).text, "0.850000");
}

// A course's author cannot make us call what only we can reach.
TEST(Lti11Outcomes, GradesGoWhereTheOperatorsSayOnly) {
  Course course;
  for (const char* url : {"http://127.0.0.1:1/x", "https://evil.example/x",
                          "http://edx.example.org/", "https://edx.example.org.evil.example/"}) {
    const SignedIn person =
        course.person({{"lis_outcome_service_url", url}, {"lis_result_sourcedid", "sid"}});
    const Delivered outcome = course.run(course.method->deliver(graded(person, 1, 1)));
    EXPECT_EQ(outcome.kind, Delivered::Kind::refused) << url;
    EXPECT_NE(outcome.detail.find("outcome_hosts"), std::string::npos) << outcome.detail;
  }
  EXPECT_TRUE(course.person({{"lis_outcome_service_url", "https://x"}}).activity->grade_url.empty())
      << "without an id there is nothing to name";
}

}  // namespace
}  // namespace passerelle::auth
