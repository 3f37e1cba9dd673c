#include "auth/oidc/logout.hpp"

#include "auth/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace passerelle::auth::oidc {
namespace {

using Json = nlohmann::json;

constexpr const char* kEvent = "http://schemas.openid.net/event/backchannel-logout";
constexpr seconds kOldest{600};  // of a logout token, besides the leeway
constexpr std::size_t kMostSeen = 10'000;
constexpr std::size_t kLongestHint = 3000;  // an address much longer is refused on the way

Error wrong(const char* why) {
  return Error(Errc::invalid, std::string("logout token: ") + why);
}

Reply refusal() {
  Reply reply;
  reply.status = 400;
  reply.content_type = "application/json";
  reply.body = R"({"error":"invalid_request"})";
  return reply;
}

// As check_parties, but the time it must name is another one: it is no credential to keep.
Result<void> check_age(const Json& claims, const Parties& parties) {
  auto issued = jwt::time_claim(claims, "iat");
  if (!issued) return std::move(issued).error();
  if (!*issued) return wrong("iat is missing");
  if (**issued > parties.now + parties.leeway) return wrong("it is from the future");
  if (**issued + kOldest + parties.leeway < parties.now) return wrong("it is old");
  return {};
}

}  // namespace

Result<void> check_logout_token(const Json& claims,
                                const std::string& type,
                                const Parties& parties) {
  // Keycloak and others write "JWT" or nothing.
  if (!type.empty() && !text::iequals(type, "logout+jwt") && !text::iequals(type, "JWT"))
    return wrong("its type is another");
  auto told = check_age(claims, parties);
  if (!told) return told;
  // Older providers send none; its age is bounded anyhow.
  Json dated = claims;
  if (!dated.contains("exp")) dated["exp"] = dated["iat"].get<double>() + kOldest.count();
  told = check_parties(dated, parties);
  if (!told) return told;
  const auto events = claims.find("events");
  if (events == claims.end() || !events->is_object() || !events->contains(kEvent) ||
      !(*events)[kEvent].is_object())
    return wrong("it names no sign-out");
  if (claims.contains("nonce")) return wrong("it has a nonce, as an id_token does");
  if (text_member(claims, "jti").empty()) return wrong("jti is missing");
  if (text_member(claims, "sub").empty() && text_member(claims, "sid").empty())
    return wrong("it names neither person nor session");
  return {};
}

bool BackChannel::is_new(const std::string& id) {
  const Instant before = clock_.now() - 2 * kOldest - 2 * settings_.leeway;
  std::erase_if(seen_, [&](const auto& entry) { return entry.second < before; });
  if (seen_.size() >= kMostSeen) seen_.erase(seen_.begin());
  return seen_.emplace(id, clock_.now()).second;
}

Task<Result<AuthAnswer>> BackChannel::take(Endpoints at, std::string logout_token) {
  auto token = jwt::take_apart(logout_token, settings_.algorithms);
  Result<Json> claims = token ? Result<Json>(Json()) : Result<Json>(std::move(token).error());
  std::string type;
  if (token) {
    type = token->type;
    claims = co_await keys_.open(std::move(*token), at.jwks);
  }
  const bool judged = claims || claims.error().code() == Errc::invalid ||
                      claims.error().code() == Errc::not_found;  // signed by none of its keys
  if (!judged) co_return std::move(claims).error();
  Result<void> told = claims ? Result<void>() : Result<void>(claims.error());
  if (told)
    told = check_logout_token(*claims, type,
                              {at.issuer, settings_.client_id, clock_.now(), settings_.leeway});
  if (told && !is_new(secrets::sha256_hex(text_member(*claims, "jti"))))
    told = wrong("seen before");
  if (!told) {
    log::warn("auth", "a back-channel logout was refused", {{"why", told.error().message()}});
    co_return AuthAnswer(refusal());
  }
  EndSessions which;
  which.provider_session = text_member(*claims, "sid");
  // Where the subject is made of two claims, the logout token tells only one of them.
  if (settings_.identity_provider_claim.empty()) which.subject = text_member(*claims, "sub");
  if (which.subject.empty() && which.provider_session.empty()) co_return AuthAnswer(refusal());
  co_return AuthAnswer(std::move(which));
}

std::string sign_out_url(const Endpoints& at,
                         const std::string& client_id,
                         const std::string& hint,
                         const std::string& back) {
  if (at.end_session.empty()) return {};
  std::string url = at.end_session;
  const auto add = [&](const char* name, const std::string& value) {
    url += url.find('?') == std::string::npos ? '?' : '&';
    url.append(name).append("=").append(text::percent_encode(value));
  };
  if (!hint.empty() && hint.size() <= kLongestHint) add("id_token_hint", hint);
  add("client_id", client_id);
  if (!back.empty()) add("post_logout_redirect_uri", back);
  return url;
}

}  // namespace passerelle::auth::oidc
