#include "auth/lti13/deep_link.hpp"

#include <charconv>

#include "auth/json.hpp"
#include "auth/jwt.hpp"
#include "auth/lti13/id_token.hpp"

namespace passerelle::auth::lti13 {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPurpose = "lti13-content";
constexpr std::size_t kMostSealed = 32U << 10U;
constexpr std::size_t kLongestField = 1000;
constexpr std::chrono::hours kLasts{1};
constexpr std::int64_t kAnswerLasts = 300;
constexpr double kMostPoints = 1e6;
const std::string kDeepLinkingClaim = "https://purl.imsglobal.org/spec/lti-dl/claim/";

const Json& settings_of(const Json& claims) {
  static const Json kNone;
  const auto found = claims.find(kDeepLinkingClaim + "deep_linking_settings");
  return found == claims.end() ? kNone : *found;
}

}  // namespace

ContentRequest content_request(const Json& claims, const std::string& platform, Instant now) {
  const Json& settings = settings_of(claims);
  ContentRequest request;
  request.platform = platform;
  request.deployment = text_member(claims, (std::string(kClaim) + "deployment_id").c_str());
  request.return_url = text_member(settings, "deep_link_return_url");
  request.data = text_member(settings, "data");
  request.asked = now;
  return request;
}

bool takes_links(const Json& claims) {
  const Json& settings = settings_of(claims);
  if (!settings.is_object() || !settings.contains("accept_types")) return false;
  const Json& types = settings["accept_types"];
  return types.is_array() &&
         std::find(types.begin(), types.end(), "ltiResourceLink") != types.end();
}

std::string seal(const ContentRequest& request, const secrets::Sealer& sealer) {
  const Json plain = {{"platform", request.platform},
                      {"deployment", request.deployment},
                      {"return", request.return_url},
                      {"data", request.data},
                      {"at", to_micros(request.asked)}};
  return secrets::to_base64url(
      sealer.seal(plain.dump(-1, ' ', false, Json::error_handler_t::replace), kPurpose));
}

std::optional<ContentRequest> open(std::string_view sealed,
                                   const secrets::Sealer& sealer,
                                   Instant now) {
  if (sealed.size() > kMostSealed) return std::nullopt;
  const auto raw = jwt::decode_base64url(sealed);
  const auto plain = sealer.open(raw.value_or(""), kPurpose);
  if (!plain) return std::nullopt;
  const auto json = parse_json(*plain, kMostSealed);
  if (!json || !json->contains("at") || !(*json)["at"].is_number_integer()) return std::nullopt;
  ContentRequest request;
  request.platform = text_member(*json, "platform");
  request.deployment = text_member(*json, "deployment");
  request.return_url = text_member(*json, "return");
  request.data = text_member(*json, "data");
  request.asked = from_micros((*json)["at"].get<std::int64_t>());
  if (now - request.asked > kLasts) return std::nullopt;
  return request;
}

Result<Choice> read_choice(const text::Form& form) {
  const auto field = [&form](const char* name) {
    return std::string(text::trim(text::field(form, name)));
  };
  Choice choice{field("title"),      field("profile"), field("next"),
                field("repository"), field("branch"),  0};
  for (const std::string* value :
       {&choice.title, &choice.profile, &choice.next, &choice.repository, &choice.branch})
    if (value->size() > kLongestField || !text::is_utf8(*value))
      return Error(Errc::invalid, "too long");
  if (!choice.next.empty() && !text::safe_next(choice.next)) return Error(Errc::invalid, "next");
  if (!choice.repository.empty() && !choice.repository.starts_with("https://"))
    return Error(Errc::invalid, "repository");
  const std::string points = field("maximum");
  const char* end = points.data() + points.size();
  if (!points.empty() && (std::from_chars(points.data(), end, choice.maximum).ptr != end ||
                          !(choice.maximum >= 0 && choice.maximum <= kMostPoints)))
    return Error(Errc::invalid, "maximum");
  if (choice.title.empty()) choice.title = choice.profile;
  return choice;
}

Json answer_of(const ContentRequest& request,
               const Choice& choice,
               const std::string& client_id,
               const std::string& issuer,
               const std::string& launch_url,
               Instant now) {
  Json custom = Json::object();
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string&>{"profile", choice.profile},
        {"next", choice.next},
        {"repository", choice.repository},
        {"branch", choice.branch}})
    if (!value.empty()) custom[name] = value;
  Json item = {{"type", "ltiResourceLink"},
               {"title", choice.title},
               {"url", launch_url},
               {"custom", std::move(custom)}};
  if (choice.maximum > 0)
    item["lineItem"] = {{"scoreMaximum", choice.maximum}, {"label", choice.title}};
  const std::int64_t seconds_now = to_micros(now) / 1'000'000;
  Json claims = {{"iss", client_id},
                 {"aud", issuer},
                 {"iat", seconds_now},
                 {"exp", seconds_now + kAnswerLasts},
                 {"nonce", secrets::random_token()},
                 {std::string(kClaim) + "message_type", "LtiDeepLinkingResponse"},
                 {std::string(kClaim) + "version", "1.3.0"},
                 {std::string(kClaim) + "deployment_id", request.deployment},
                 {kDeepLinkingClaim + "content_items", Json::array({std::move(item)})}};
  if (!request.data.empty()) claims[kDeepLinkingClaim + "data"] = request.data;
  return claims;
}

}  // namespace passerelle::auth::lti13
