#include "auth/oidc/id_token.hpp"

#include <algorithm>

#include "auth/claims.hpp"
#include "auth/json.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth::oidc {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestSubject = 255;  // OpenID Connect Core 1.0, 2
constexpr const char* kLogoutEvent = "http://schemas.openid.net/event/backchannel-logout";

Error wrong(const std::string& claim, const char* why) {
  return Error(Errc::invalid, "token: " + claim + " " + why);
}

Result<void> check_audience(const Json& claims, const std::string& client_id) {
  const auto audience = claims.find("aud");
  if (audience == claims.end()) return wrong("aud", "is missing");
  const bool list = audience->is_array();
  const bool ours =
      list ? std::find(audience->begin(), audience->end(), client_id) != audience->end()
           : *audience == client_id;
  if (!ours) return wrong("aud", "does not name us");
  if (list && audience->size() > 1 && !claims.contains("azp")) return wrong("azp", "is missing");
  if (claims.contains("azp") && claims["azp"] != client_id) return wrong("azp", "is not us");
  return {};
}

Result<void> check_times(const Json& claims, const Parties& parties) {
  auto expires = jwt::time_claim(claims, "exp");
  auto issued = jwt::time_claim(claims, "iat");
  auto not_before = jwt::time_claim(claims, "nbf");
  for (auto* one : {&expires, &issued, &not_before})
    if (!*one) return std::move(*one).error();
  if (!*expires) return wrong("exp", "is missing");
  if (!*issued) return wrong("iat", "is missing");
  if (**expires + parties.leeway <= parties.now) return wrong("exp", "is over; compare the clocks");
  if (**issued > parties.now + parties.leeway)
    return wrong("iat", "is in the future; compare the clocks");
  if (*not_before && **not_before > parties.now + parties.leeway)
    return wrong("nbf", "is in the future; compare the clocks");
  return {};
}

Result<void> check_subject(const Json& claims) {
  const std::string subject = text_member(claims, "sub");
  if (subject.empty() || subject.size() > kLongestSubject) return wrong("sub", "is no subject");
  const bool plain = std::all_of(subject.begin(), subject.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7F;
  });
  return plain ? Result<void>() : Result<void>(wrong("sub", "holds control characters"));
}

bool is_one_of(const std::string& value, const std::vector<std::string>& list) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Result<void> check_strength(const Json& claims, const Parties& parties, const Asked& asked) {
  if (!asked.acr.empty() && !is_one_of(text_member(claims, "acr"), asked.acr))
    return Error(Errc::forbidden, "acr is none of those asked for");
  if (!asked.amr.empty()) {
    const std::vector<std::string> ways = claims::texts(claims, "amr");
    if (std::none_of(ways.begin(), ways.end(),
                     [&](const std::string& way) { return is_one_of(way, asked.amr); }))
      return Error(Errc::forbidden, "amr holds none of those asked for");
  }
  if (asked.max_age.count() == 0) return {};
  auto signed_in = jwt::time_claim(claims, "auth_time");
  if (!signed_in) return std::move(signed_in).error();
  if (!*signed_in) return wrong("auth_time", "is missing, though max_age was asked for");
  if (**signed_in + asked.max_age + parties.leeway < parties.now)
    return Error(Errc::forbidden, "the sign-in at the provider is too old");
  return {};
}

}  // namespace

Result<void> check_parties(const Json& claims, const Parties& parties) {
  if (text_member(claims, "iss") != parties.issuer) return wrong("iss", "is another issuer");
  auto audience = check_audience(claims, parties.client_id);
  if (!audience) return audience;
  return check_times(claims, parties);
}

Result<void> check_sign_in(const Json& claims, const Parties& parties, const Asked& asked) {
  auto told = check_parties(claims, parties);
  if (told) told = check_subject(claims);
  if (!told) return told;
  // A logout token is signed by the same keys and says nothing of a sign-in.
  if (claims.contains("events") && claims["events"].is_object() &&
      claims["events"].contains(kLogoutEvent))
    return wrong("events", "makes it a logout token");
  if (!secrets::equal(text_member(claims, "nonce"), asked.nonce))
    return wrong("nonce", "is not that of this sign-in");
  if (claims.contains("at_hash") &&
      claims["at_hash"] != jwt::half_hash(asked.algorithm, asked.access_token))
    return wrong("at_hash", "is of another access token");
  return check_strength(claims, parties, asked);
}

Result<void> check_refreshed(const Json& claims,
                             const Parties& parties,
                             const std::string& subject,
                             const std::string& nonce) {
  auto told = check_parties(claims, parties);
  if (!told) return told;
  if (text_member(claims, "sub") != subject)
    return Error(Errc::forbidden, "the provider names somebody else now");
  if (claims.contains("nonce") && claims["nonce"] != nonce)
    return wrong("nonce", "is not that of the sign-in");
  return {};
}

}  // namespace passerelle::auth::oidc
