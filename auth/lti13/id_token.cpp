#include "auth/lti13/id_token.hpp"

#include <algorithm>
#include <array>

#include "auth/json.hpp"
#include "auth/lti13/flow.hpp"
#include "auth/lti_services.hpp"
#include "auth/name.hpp"

namespace passerelle::auth::lti13 {
namespace {

using Json = nlohmann::json;
using lti::Refusal;
using Outcome = std::optional<Refusal>;

const std::vector<std::string> kAlgorithms = {"RS256"};  // the only one of the Security Framework
constexpr std::size_t kMostStates = 100'000;             // of one platform at a time
constexpr std::size_t kLongestSubject = 255;
constexpr std::size_t kMostHeader = 4096;
constexpr const char* kDeepLinkingSettings =
    "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings";

bool printable(std::string_view text) {
  return text::is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

std::string cut(std::string_view text) {
  return printable(text) ? cut_name(text) : std::string("(not printable)");
}

// take_apart() refuses with words; here people get a code for each kind of trouble.
Refusal why_not_taken(std::string_view compact, const Error& error) {
  const auto text = jwt::decode_base64url(compact.substr(0, compact.find('.')));
  const auto header = parse_json(text.value_or(""), kMostHeader);
  const bool three_parts = std::count(compact.begin(), compact.end(), '.') == 2;
  if (!three_parts || !header || !header->is_object()) return {"LTI-TOKEN", error.message()};
  const std::string algorithm = text_member(*header, "alg");
  if (std::find(kAlgorithms.begin(), kAlgorithms.end(), algorithm) == kAlgorithms.end())
    return {"LTI-ALG", "alg is " + cut(algorithm)};
  if (header->contains("crit")) return {"LTI-HEADER", error.message()};
  if (compact.ends_with('.')) return {"LTI-SIG", error.message()};
  return {"LTI-TOKEN", error.message()};
}

class Check {
 public:
  Check(const Json& claims, const config::LtiPlatform& platform, const Expected& expected)
      : claims_(claims), platform_(platform), expected_(expected) {}

  Outcome run() const {
    for (const auto step : {&Check::issuer, &Check::audience, &Check::times, &Check::nonce,
                            &Check::version, &Check::deployment, &Check::message, &Check::person})
      if (auto refused = (this->*step)()) return refused;
    return std::nullopt;
  }

 private:
  Outcome issuer() const {
    if (text_member(claims_, "iss") == platform_.issuer) return std::nullopt;
    return Refusal{"LTI-ISS", "iss is " + cut(text_member(claims_, "iss"))};
  }

  Outcome audience() const {
    const auto audience = claims_.find("aud");
    const std::string& us = platform_.client_id;
    if (audience == claims_.end()) return Refusal{"LTI-AUD", "aud is missing"};
    const bool list = audience->is_array();
    const bool ours = list ? std::find(audience->begin(), audience->end(), us) != audience->end()
                           : *audience == us;
    if (!ours) return Refusal{"LTI-AUD", "the token is for another tool"};
    if (list && audience->size() > 1 && !claims_.contains("azp"))
      return Refusal{"LTI-AZP", "azp is missing beside several aud"};
    if (claims_.contains("azp") && claims_["azp"] != us)
      return Refusal{"LTI-AZP", "azp is another tool"};
    return std::nullopt;
  }

  // Platforms' tokens may live for a minute only: a clock that is wrong breaks every launch, so the
  // difference is told.
  Outcome times() const {
    const auto expires = jwt::time_claim(claims_, "exp");
    const auto issued = jwt::time_claim(claims_, "iat");
    if (!expires || !*expires) return Refusal{"LTI-EXP", "exp is missing, or no time"};
    if (!issued || !*issued) return Refusal{"LTI-TIME", "iat is missing, or no time"};
    const auto behind = (to_micros(expected_.now) - to_micros(**issued)) / 1'000'000;
    const std::string skew = "issued " + std::to_string(behind) + " s ago by our clock";
    if (**expires + expected_.leeway <= expected_.now) return Refusal{"LTI-EXP", skew};
    if (**issued > expected_.now + expected_.leeway) return Refusal{"LTI-TIME", skew};
    if (**issued + expected_.max_age < expected_.now) return Refusal{"LTI-TIME", skew};
    return std::nullopt;
  }

  Outcome nonce() const {
    const std::string nonce = text_member(claims_, "nonce");
    if (!nonce.empty() && nonce == expected_.nonce) return std::nullopt;
    return Refusal{"LTI-NONCE", nonce.empty() ? "nonce is missing" : "nonce is another flow's"};
  }

  Outcome version() const {
    const Json& version = claim(claims_, "version");
    if (version == "1.3.0") return std::nullopt;
    return Refusal{"LTI-VERSION",
                   "version is " + (version.is_string() ? cut(version.get<std::string>())
                                                        : std::string("missing"))};
  }

  Outcome deployment() const {
    const Json& id = claim(claims_, "deployment_id");
    if (!id.is_string() || id.get<std::string>().empty())
      return Refusal{"LTI-DEPLOYMENT", "deployment_id is missing"};
    for (const std::string& known : platform_.deployments)
      if (known == "*" || id == known) return std::nullopt;
    return Refusal{"LTI-DEPLOYMENT", "deployment_id is " + cut(id.get<std::string>()) +
                                         ": add it to the platform's `deployments`"};
  }

  Outcome message() const {
    const Json& type = claim(claims_, "message_type");
    if (type == kResourceLink) {
      if (!text_member(claim(claims_, "resource_link"), "id").empty()) return std::nullopt;
      return Refusal{"LTI-FIELD", "resource_link has no id"};
    }
    if (type != kDeepLinking)
      return Refusal{"LTI-MESSAGE",
                     "message_type is " + (type.is_string() ? cut(type.get<std::string>())
                                                            : std::string("missing"))};
    const auto settings = claims_.find(kDeepLinkingSettings);
    // A form of ours is posted there, and a header names its origin.
    if (settings != claims_.end() &&
        lti::is_address(text_member(*settings, "deep_link_return_url")))
      return std::nullopt;
    return Refusal{"LTI-FIELD",
                   "deep_linking_settings has no deep_link_return_url, or it is no address"};
  }

  Outcome person() const {
    const std::string subject = text_member(claims_, "sub");
    if (subject.empty()) return Refusal{"LTI-USER", "sub is missing: an anonymous launch"};
    if (subject.size() > kLongestSubject || !printable(subject))
      return Refusal{"LTI-USER", "sub is too long, or no printable text"};
    return std::nullopt;
  }

  const Json& claims_;
  const config::LtiPlatform& platform_;
  const Expected& expected_;
};

Verdict refuse(const char* code, std::string detail) {
  return Refusal{code, std::move(detail)};
}

// A set that was fetched a moment ago may already be behind a key that the platform has just made.
Task<Result<Json>> claims_of(KeySource& keys, jwt::Token token, std::string url) {
  auto opened = co_await keys.open(token, url);
  if (!opened && opened.error().code() == Errc::not_found)
    opened = co_await keys.open(std::move(token), std::move(url));
  co_return opened;
}

Refusal why_not_opened(const jwt::Token& token, const Error& error) {
  if (error.code() == Errc::unavailable) return {"LTI-KEYS", error.message()};
  if (error.code() == Errc::not_found) return {"LTI-KEYSET", error.message()};
  const auto claims = parse_json(token.claims_text, jwt::kLongest);
  return {claims && claims->is_object() ? "LTI-SIG" : "LTI-TOKEN", error.message()};
}

}  // namespace

const Json& claim(const Json& claims, const std::string& name) {
  static const Json kNone;
  const auto found = claims.find(kClaim + name);
  return found == claims.end() ? kNone : *found;
}

Verdict check_claims(Json claims, const config::LtiPlatform& platform, const Expected& expected) {
  if (auto refused = Check(claims, platform, expected).run()) return *std::move(refused);
  return claims;
}

Task<Result<Verdict>> verify(const text::Form& form,
                             const config::LtiPlatform& platform,
                             const Expected& expected,
                             KeySource& keys,
                             store::NonceStore& nonces,
                             std::string scope) {
  if (text::field(form, "state") != expected.state || expected.state.empty())
    co_return refuse("LTI-STATE", "the state is not this browser's");
  std::string used = secrets::sha256_hex(expected.state);
  auto fresh = co_await nonces.use(std::move(scope), std::move(used), expected.now,
                                   expected.now + kFlowLasts, kMostStates);
  if (!fresh && fresh.error().code() == Errc::exhausted)
    co_return refuse("LTI-BUSY", fresh.error().message());
  if (!fresh) co_return std::move(fresh).error();
  if (!*fresh) co_return refuse("LTI-REPLAY", "this answer was used before");
  if (const std::string_view error = text::field(form, "error"); !error.empty())
    co_return refuse("LTI-PLATFORM",
                     cut(error) + ": " + cut(text::field(form, "error_description")));
  const std::string_view compact = text::field(form, "id_token");
  auto token = jwt::take_apart(compact, kAlgorithms);
  if (!token) co_return Verdict(why_not_taken(compact, token.error()));
  auto claims = co_await claims_of(keys, *token, platform.jwks_url);
  if (!claims) co_return Verdict(why_not_opened(*token, claims.error()));
  co_return check_claims(std::move(*claims), platform, expected);
}

}  // namespace passerelle::auth::lti13
