// What hands out keys: what is sent, what answers mean, and which charts ask for any.
#include "spawners/kubernetes/lender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spawners/kubernetes/chart_values.hpp"
#include "spawners/kubernetes/sts.hpp"
#include "spawners/kubernetes/vault.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using chart::Json;
using testing::HasSubstr;

constexpr int kOk = 200;
const std::string kSpace = "https://sts.amazonaws.com/doc/2011-06-15/";

HttpResponse response(int status, std::string body) {
  HttpResponse made;
  made.status = status;
  made.body = std::move(body);
  return made;
}

std::string keys(const std::string& credentials) {
  return "<?xml version=\"1.0\"?><AssumeRoleWithWebIdentityResponse xmlns=\"" + kSpace +
         "\"><AssumeRoleWithWebIdentityResult><Credentials>" + credentials +
         "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
}

const std::string kGood =
    "<AccessKeyId>AK</AccessKeyId><SecretAccessKey>s+/=</SecretAccessKey>"
    "<SessionToken>tok</SessionToken><Expiration>2026-11-23T01:02:03Z</Expiration>";

TEST(Sts, IsAskedByForm) {
  config::S3Keys settings;
  settings.sts = "https://minio.example.fr";
  settings.role = "arn:x";
  settings.policy = R"({"a": "b&c"})";
  settings.duration = seconds(900);
  const HttpRequest request = sts_request(settings, "alice", "a.b+c");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://minio.example.fr");  // never in a URL, which is logged elsewhere
  EXPECT_EQ(request.body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=a.b%2Bc&RoleArn="
            "arn%3Ax&RoleSessionName=alice&Policy=%7B%22a%22%3A%20%22b%26c%22%7D&DurationSeconds="
            "900");
}

TEST(Sts, AnswersWithKeys) {
  const auto given = sts_answer(response(kOk, keys(kGood)));
  ASSERT_TRUE(given) << given.error().message();
  EXPECT_EQ(given->key_id, "AK");
  EXPECT_EQ(given->secret, "s+/=");
  EXPECT_EQ(given->session, "tok");
  EXPECT_EQ(to_iso8601(given->expires), "2026-11-23T01:02:03.000000Z");
}

TEST(Sts, AnswersThatAreNoneAreRefused) {
  const auto without = [](std::string_view tag) {
    std::string text = kGood;
    const std::string close = "</" + std::string(tag) + ">";
    const std::size_t begin = text.find("<" + std::string(tag) + ">");
    return text.erase(begin, text.find(close) + close.size() - begin);
  };
  for (const auto& text :
       {keys(without("AccessKeyId")), keys(without("SecretAccessKey")),
        keys(without("SessionToken")), keys(without("Expiration")), keys(kGood + kGood),
        keys(kGood).substr(0, 200), std::string("{}"), std::string(),
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>" + keys(kGood),
        keys("<AccessKeyId>A K</AccessKeyId>" + without("AccessKeyId")),
        keys("<Expiration>soon</Expiration>" + without("Expiration")),
        keys("<SessionToken>" + std::string(20'000, 'a') + "</SessionToken>" +
             without("SessionToken")),
        std::string(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"/>")}) {
    const auto given = sts_answer(response(kOk, text));
    ASSERT_FALSE(given) << text;
    EXPECT_EQ(given.error().code(), Errc::invalid) << text;
  }
}

TEST(Sts, RefusesInItsOwnWords) {
  const std::string body = "<ErrorResponse xmlns=\"" + kSpace +
                           "\"><Error><Code>AccessDenied</Code><Message>not&#10;you</Message>"
                           "</Error></ErrorResponse>";
  const auto refused = sts_answer(response(403, body));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::forbidden);
  EXPECT_EQ(refused.error().message(), "AccessDenied: not you");
  EXPECT_EQ(sts_answer(response(500, body)).error().code(), Errc::unavailable);
  EXPECT_EQ(sts_answer(response(429, "busy")).error().code(), Errc::unavailable);
  EXPECT_EQ(sts_answer(response(302, "")).error().message(), "HTTP 302");
}

TEST(Vault, IsAskedAtItsLogin) {
  config::VaultTokens settings;
  settings.url = "https://vault.example.fr/";
  settings.role = "people";
  const HttpRequest request = vault_request(settings, "a.b.c");
  EXPECT_EQ(request.url, "https://vault.example.fr/v1/auth/jwt/login");
  EXPECT_EQ(Json::parse(request.body), (Json{{"jwt", "a.b.c"}, {"role", "people"}}));
}

TEST(Vault, AnswersWithAToken) {
  const auto given =
      vault_answer(response(kOk, R"({"auth": {"client_token": "hvs.x", "lease_duration": 3600}})"));
  ASSERT_TRUE(given);
  EXPECT_EQ(given->value, "hvs.x");
  EXPECT_EQ(given->lease, seconds(3600));
  for (const char* text :
       {"", "[]", R"({"auth": null})", R"({"auth": {"client_token": ""}})",
        R"({"auth": {"client_token": 1}})", R"({"auth": {"client_token": "a b"}})"})
    EXPECT_FALSE(vault_answer(response(kOk, text))) << text;
  const auto refused =
      vault_answer(response(400, R"({"errors": ["role \"x\" could not be found"]})"));
  EXPECT_EQ(refused.error().code(), Errc::forbidden);
  EXPECT_THAT(refused.error().message(), HasSubstr("could not be found"));
  EXPECT_EQ(vault_answer(response(503, R"({"errors": ["Vault is sealed"]})")).error().code(),
            Errc::unavailable);
}

Needs needs(const char* schema) {
  Needs found;
  add_needs(Json::parse(schema), found);
  return found;
}

TEST(Needs, AreWhatExpressionsName) {
  const Needs both = needs(
      R"({"properties": {"a": {"x-onyxia": {"overwriteDefaultWith": "{{s3.port}}"}},
          "b": {"items": [{"x-onyxia": {"overwriteDefaultWith": ["{{vault.VAULT_ADDR}}"]}}]}}})");
  EXPECT_TRUE(both.s3);
  EXPECT_TRUE(both.vault);
  const Needs none =
      needs(R"({"description": "s3.example vault.x", "x-onyxia": {"a": "{{user.x}}"}})");
  EXPECT_FALSE(none.s3 || none.vault);
}

class Progressing final : public Progress {
 public:
  void step(std::string_view /*name*/) override {}
  void log(std::string_view lines) override { said.append(lines); }
  Task<Result<void>> remember(State /*state*/) override { co_return Result<void>(); }
  std::string said;
};

Result<Json> lend(const config::S3Keys& s3, const std::string& token, Progressing& progress) {
  asio::io_context loop;
  Lender lender(loop, s3, {});
  Result<Json> outcome = Json();
  auto work = [&]() -> Task<void> {
    outcome = co_await lender.lend({.s3 = true, .vault = true}, "alice", token, progress);
  };
  asio::co_spawn(loop, work, asio::detached);
  loop.run();
  return outcome;
}

TEST(Lender, GoesOnWithoutOrNotAsConfigured) {
  config::S3Keys s3;
  Progressing progress;
  EXPECT_EQ(*lend(s3, "a.b.c", progress), Json::object());  // not configured
  EXPECT_TRUE(progress.said.empty());
  s3.sts = "http://127.0.0.1:1";
  EXPECT_EQ(*lend(s3, "", progress), Json::object());
  EXPECT_THAT(progress.said, HasSubstr("S3 keys: none: they need a sign-in"));
  s3.required = true;
  const auto refused = lend(s3, "", progress);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause(), Cause::profile_forbidden);
}

TEST(Lender, TriesThreeTimes) {
  config::S3Keys s3;
  s3.sts = "http://127.0.0.1:1";
  s3.required = true;
  Progressing progress;
  const auto began = std::chrono::steady_clock::now();
  const auto refused = lend(s3, "a.b.c", progress);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause(), Cause::spawner_down);
  EXPECT_EQ(refused.error().code(), Errc::unavailable);
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(2000));  // two pauses
}

TEST(Lender, ShowsCoversOnly) {
  asio::io_context loop;
  config::S3Keys s3;
  s3.sts = "https://minio.example.fr:9000";
  s3.bucket = "user-{user}";
  s3.prefix = "home";
  const Lender lender(loop, s3, {});
  const Json shown = lender.shown({.s3 = true, .vault = true}, "Ada@univ", "token");
  EXPECT_EQ(shown["s3"]["AWS_S3_ENDPOINT"], "minio.example.fr");
  EXPECT_EQ(shown["s3"]["port"], 9000);
  EXPECT_EQ(shown["s3"]["AWS_SECRET_ACCESS_KEY"], shown["s3"]["AWS_ACCESS_KEY_ID"]);
  EXPECT_THAT(shown["s3"]["workingDirectoryPath"].get<std::string>(), HasSubstr("user-ada"));
  EXPECT_FALSE(shown.contains("vault"));
  EXPECT_TRUE(lender.shown({.s3 = true}, "ada", "").empty());
  EXPECT_EQ(lender.out_of_reach({.s3 = true, .vault = true}, ""), std::vector<std::string>{"s3"});
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
