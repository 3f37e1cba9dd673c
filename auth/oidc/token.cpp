#include "auth/oidc/token.hpp"

#include <algorithm>

#include "auth/json.hpp"
#include "auth/oidc/endpoint.hpp"
#include "base/secrets.hpp"
#include "base/text.hpp"

namespace passerelle::auth::oidc {
namespace {

using Json = nlohmann::json;

const std::string kWhat = "token endpoint";
constexpr std::size_t kLongestToken = jwt::kLongest;
constexpr seconds kAssertionLasts{60};

std::string to_base64(std::string_view raw) {
  std::string out = secrets::to_base64url(raw);
  std::replace(out.begin(), out.end(), '-', '+');
  std::replace(out.begin(), out.end(), '_', '/');
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

// RFC 6749, 2.3.1: each half is form-encoded before the colon joins them.
std::string form_encode(std::string_view raw) {
  std::string out = text::percent_encode(raw);
  for (std::size_t at = 0; (at = out.find("%20", at)) != std::string::npos;)
    out.replace(at, 3, "+");
  return out;
}

std::string body_of(const std::vector<std::pair<std::string, std::string>>& form) {
  std::string body;
  for (const auto& [name, value] : form)
    body.append(body.empty() ? "" : "&").append(name).append("=").append(form_encode(value));
  return body;
}

// The error code (RFC 6749, 5.2) without what is no code: it goes into the log.
std::string error_code(const Json& answer) {
  std::string code = text_member(answer, "error").substr(0, 64);
  std::erase_if(code, [](char c) { return (c < 'a' || c > 'z') && c != '_'; });
  return code.empty() ? "no error code" : code;
}

Result<Tokens> read_tokens(const Json& answer, Instant now) {
  Tokens tokens;
  tokens.access = text_member(answer, "access_token");
  tokens.refresh = text_member(answer, "refresh_token");
  tokens.id = text_member(answer, "id_token");
  const std::size_t longest =
      std::max({tokens.access.size(), tokens.refresh.size(), tokens.id.size()});
  if (tokens.access.empty() || longest > kLongestToken)
    return Error(Errc::unavailable, kWhat + ": no access token, or one that is too long");
  if (!text::iequals(text_member(answer, "token_type"), "bearer"))
    return Error(Errc::unavailable, kWhat + ": the token is no bearer token");
  const auto lasts = answer.find("expires_in");
  if (lasts != answer.end() && lasts->is_number_integer()) {
    const auto given = std::clamp<std::int64_t>(lasts->get<std::int64_t>(), 0, 366LL * 86'400);
    tokens.expires = now + seconds(given);
  }
  return tokens;
}

}  // namespace

std::string TokenEndpoint::way(const Endpoints& at) const {
  if (settings_.client_auth != "auto") return settings_.client_auth;
  if (key_.key != nullptr) return "private_key_jwt";
  if (settings_.client_secret.empty()) return "none";
  const auto announced = [&](const char* name) {
    return std::find(at.client_auth.begin(), at.client_auth.end(), name) != at.client_auth.end();
  };
  // Without an announcement it is "basic" (OpenID Connect Discovery 1.0, 3).
  return !announced("client_secret_basic") && announced("client_secret_post") ? "post" : "basic";
}

// RFC 7523. The audience is the issuer: an endpoint's address may be another provider's to read.
Result<std::string> TokenEndpoint::assertion(const Endpoints& at) const {
  const auto now = std::chrono::duration_cast<seconds>(clock_.now().time_since_epoch()).count();
  const Json claims = {{"iss", settings_.client_id},
                       {"sub", settings_.client_id},
                       {"aud", at.issuer.empty() ? at.token : at.issuer},
                       {"jti", secrets::random_token()},
                       {"iat", now},
                       {"exp", now + kAssertionLasts.count()}};
  return jwt::sign({{"typ", "JWT"}}, claims, key_);
}

Result<void> TokenEndpoint::prove(const Endpoints& at, Form& form, HttpRequest& request) const {
  const std::string how = way(at);
  if (how == "basic") {
    const std::string pair =
        form_encode(settings_.client_id) + ":" + form_encode(settings_.client_secret.value);
    request.headers.emplace_back("Authorization", "Basic " + to_base64(pair));
    return {};
  }
  form.emplace_back("client_id", settings_.client_id);
  if (how == "post") form.emplace_back("client_secret", settings_.client_secret.value);
  if (how != "private_key_jwt") return {};
  auto signed_token = assertion(at);
  if (!signed_token) return std::move(signed_token).error();
  form.emplace_back("client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  form.emplace_back("client_assertion", std::move(*signed_token));
  return {};
}

Task<Result<Tokens>> TokenEndpoint::post(Endpoints at, Form form) {
  HttpRequest request;
  request.method = "POST";
  request.url = at.token;
  request.ca_file = settings_.ca_file;
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  auto proven = prove(at, form, request);
  if (!proven) co_return std::move(proven).error();
  request.body = body_of(form);
  auto response = co_await ask(http_, std::move(request), kWhat);
  if (!response) co_return std::move(response).error();
  auto answer = object_of(*response, kWhat);
  if (!answer) co_return std::move(answer).error();
  // GitHub answers errors with 200.
  if (response->status == 200 && !answer->contains("error"))
    co_return read_tokens(*answer, clock_.now());
  const std::string code = error_code(*answer);
  // GitHub's word for it is the second.
  const bool refused = code == "invalid_grant" || code == "bad_verification_code";
  co_return Error(refused ? Errc::unauthenticated : Errc::unavailable,
                  kWhat + ": status " + std::to_string(response->status) + ", " + code);
}

Task<Result<Tokens>> TokenEndpoint::exchange(Endpoints at,
                                             std::string code,
                                             std::string verifier,
                                             std::string redirect_uri) {
  Form form = {{"grant_type", "authorization_code"},
               {"code", std::move(code)},
               {"redirect_uri", std::move(redirect_uri)},
               {"code_verifier", std::move(verifier)}};
  auto tokens = co_await post(std::move(at), std::move(form));
  co_return tokens;
}

Task<Result<Tokens>> TokenEndpoint::refresh(Endpoints at, std::string refresh_token) {
  Form form = {{"grant_type", "refresh_token"}, {"refresh_token", std::move(refresh_token)}};
  auto tokens = co_await post(std::move(at), std::move(form));
  co_return tokens;
}

}  // namespace passerelle::auth::oidc
