#include "auth/lti13/services.hpp"

#include <ctime>

#include "auth/json.hpp"
#include "auth/jwt.hpp"
#include "auth/lti13/description.hpp"

namespace passerelle::auth::lti13 {
namespace {

using Json = nlohmann::json;
using Kind = Delivered::Kind;

constexpr std::size_t kMostAnswer = 64U << 10U;
constexpr int kUnauthorized = 401;
constexpr int kConflict = 409;
constexpr seconds kAssertionLasts{120};
constexpr seconds kSpare{60};
constexpr std::int64_t kLongestLife = 24LL * 3600;

std::vector<std::string> hosts_of(const config::LtiPlatform& platform) {
  std::vector<std::string> hosts = platform.service_hosts;
  for (const std::string& url :
       {platform.issuer, platform.auth_url, platform.token_url, platform.jwks_url})
    if (std::string host = lti::host_of(url); !host.empty()) hosts.push_back(std::move(host));
  return hosts;
}

// ISO 8601 with a fraction: a newer score must have a newer time than the one before.
std::string iso_time(Instant at) {
  const std::int64_t micros = to_micros(at);
  const auto whole = static_cast<std::time_t>(micros / 1'000'000);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[48];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string(micros / 1000 % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::string(text, length) + "." + fraction + "Z";
}

Json score_of(const store::ActivityRow& row) {
  constexpr auto kUnit = static_cast<double>(store::kScoreUnit);
  Json score = {{"userId", row.activity.grade_reference},
                {"scoreGiven", static_cast<double>(row.score.score) / kUnit},
                {"scoreMaximum", static_cast<double>(row.score.maximum) / kUnit},
                {"activityProgress", "Completed"},
                {"gradingProgress", "FullyGraded"},
                {"timestamp", iso_time(row.score.given)}};
  if (!row.score.comment.empty()) score["comment"] = row.score.comment;
  return score;
}

std::string token_name(const config::LtiPlatform& platform, std::string_view scope) {
  return platform.issuer + "\n" + platform.client_id + "\n" + std::string(scope);
}

// However it is written: "3600", 3600.5 and 1e300 come from somebody else.
seconds life_of(const Json& answer) {
  const auto at = answer.find("expires_in");
  if (at == answer.end() || !at->is_number()) return seconds(0);
  const double told = std::clamp(at->get<double>(), 0.0, static_cast<double>(kLongestLife));
  return seconds(static_cast<std::int64_t>(told));
}

std::string form_of(const std::vector<std::pair<const char*, std::string>>& fields) {
  std::string body;
  for (const auto& [name, value] : fields)
    body.append(body.empty() ? "" : "&")
        .append(name)
        .append("=")
        .append(text::percent_encode(value));
  return body;
}

}  // namespace

std::string scores_url(std::string_view line_item) {
  const std::size_t mark = std::min(line_item.find('?'), line_item.size());
  std::string_view path = line_item.substr(0, mark);
  if (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path) + "/scores" + std::string(line_item.substr(mark));
}

Task<Result<std::string>> Services::assertion(const config::LtiPlatform& platform) {
  auto key = co_await keys_.signing();
  if (!key) co_return std::move(key).error();
  const std::int64_t now = to_micros(around_.clock.now()) / 1'000'000;
  const Json claims = {
      {"iss", platform.client_id},
      {"sub", platform.client_id},
      {"aud", platform.token_audience.empty() ? platform.token_url : platform.token_audience},
      {"iat", now},
      {"exp", now + kAssertionLasts.count()},
      {"jti", secrets::random_token()}};
  co_return jwt::sign({{"typ", "JWT"}}, claims, *key);
}

Task<Result<std::string>> Services::token(const config::LtiPlatform& platform, std::string scope) {
  if (platform.token_url.empty()) co_return Error(Errc::invalid, "the platform has no token_url");
  const std::string name = token_name(platform, scope);
  const Instant now = around_.clock.now();
  if (const auto kept = tokens_.find(name); kept != tokens_.end() && kept->second.until > now)
    co_return kept->second.value;
  auto signed_by_us = co_await assertion(platform);
  if (!signed_by_us) co_return std::move(signed_by_us).error();
  HttpRequest request;
  request.method = "POST";
  request.url = platform.token_url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  request.body =
      form_of({{"grant_type", "client_credentials"},
               {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
               {"client_assertion", std::move(*signed_by_us)},
               {"scope", std::move(scope)}});
  request.most_body = kMostAnswer;
  request.ca_file = ca_file_;
  auto response = co_await around_.http.fetch(std::move(request));
  if (!response) co_return Error(Errc::unavailable, "token: " + response.error().message());
  const auto json = parse_json(response->body, kMostAnswer);
  const std::string value = json ? text_member(*json, "access_token") : std::string();
  if (response->status != 200 || value.empty())
    co_return Error(response->status >= 500 ? Errc::unavailable : Errc::forbidden,
                    "token: status " + std::to_string(response->status) + " " +
                        (json ? text_member(*json, "error") : std::string()));
  if (!text::iequals(text_member(*json, "token_type"), "bearer"))
    co_return Error(Errc::forbidden, "token: it is no bearer token");
  tokens_[name] = {value, now + life_of(*json) - kSpare};
  co_return value;
}

// It was withdrawn: another one the next time. Those of other platforms go on.
void Services::forget_token(const config::LtiPlatform& platform, std::string_view scope) {
  tokens_.erase(token_name(platform, scope));
}

Task<Result<HttpResponse>> Services::call(const config::LtiPlatform& platform,
                                          std::string scope,
                                          HttpRequest request) {
  if (!lti::may_call(request.url, hosts_of(platform)))
    co_return Error(Errc::forbidden, "an address at " + lti::host_of(request.url) +
                                         ": add it to the platform's `service_hosts`");
  std::string wanted = scope;
  auto bearer = co_await token(platform, std::move(wanted));
  if (!bearer) co_return std::move(bearer).error();
  request.headers.emplace_back("Authorization", "Bearer " + *bearer);
  request.ca_file = ca_file_;
  auto response = co_await around_.http.fetch(std::move(request));
  if (!response) co_return Error(Errc::unavailable, response.error().message());
  if (response->status == kUnauthorized) forget_token(platform, scope);
  co_return response;
}

Task<Delivered> Services::send_score(const config::LtiPlatform& platform, store::ActivityRow row) {
  const std::string url = scores_url(row.activity.grade_url);
  if (!lti::may_call(url, hosts_of(platform)))
    co_return Delivered{Kind::refused, "the line item is at " + lti::host_of(url) +
                                           ": add it to the platform's `service_hosts`"};
  auto bearer = co_await token(platform, kScoreScope);
  if (!bearer)
    co_return Delivered{bearer.error().code() == Errc::unavailable ? Kind::later : Kind::refused,
                        bearer.error().message()};
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"Authorization", "Bearer " + *bearer},
                     {"Content-Type", "application/vnd.ims.lis.v1.score+json"}};
  request.body = score_of(row).dump(-1, ' ', false, Json::error_handler_t::replace);
  request.most_body = kMostAnswer;
  request.ca_file = ca_file_;
  auto response = co_await around_.http.fetch(std::move(request));
  if (!response) co_return Delivered{Kind::later, "score: " + response.error().message()};
  if (response->status == kUnauthorized) {
    forget_token(platform, kScoreScope);
    co_return Delivered{row.delivery.attempts < 3 ? Kind::later : Kind::refused,
                        "score: the platform does not take our token"};
  }
  // The platform has this score, or a newer one: the queue never sends an older one after it.
  if (response->status == kConflict) co_return Delivered{Kind::taken, ""};
  co_return lti::delivered(response->status, "score");
}

}  // namespace passerelle::auth::lti13
