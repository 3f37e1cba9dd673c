#include "auth/oidc/userinfo.hpp"

#include "auth/json.hpp"
#include "auth/oidc/endpoint.hpp"
#include "base/text.hpp"

namespace passerelle::auth::oidc {
namespace {

using Json = nlohmann::json;

const std::string kWhat = "userinfo endpoint";

}  // namespace

// Signed, its issuer and audience are told as well, and must be right if they are there.
Task<Result<Json>> UserInfo::open_signed(Endpoints at, std::string body) {
  auto token = jwt::take_apart(text::trim(body), settings_.algorithms);
  if (!token) co_return std::move(token).error();
  auto claims = co_await keys_.open(std::move(*token), at.jwks);
  if (!claims) co_return claims;
  if (claims->contains("iss") && (*claims)["iss"] != at.issuer)
    co_return Error(Errc::invalid, kWhat + ": iss is another issuer");
  if (claims->contains("aud")) {
    const Json& audience = (*claims)["aud"];
    const bool ours = audience.is_array() ? std::find(audience.begin(), audience.end(),
                                                      settings_.client_id) != audience.end()
                                          : audience == settings_.client_id;
    if (!ours) co_return Error(Errc::invalid, kWhat + ": aud does not name us");
  }
  co_return claims;
}

Task<Result<Json>> UserInfo::get(Endpoints at, std::string access_token, std::string subject) {
  HttpRequest request;
  request.url = at.userinfo;
  request.ca_file = settings_.ca_file;
  request.headers.emplace_back("Authorization", "Bearer " + access_token);
  auto response = co_await ask(http_, std::move(request), kWhat);
  if (!response) co_return std::move(response).error();
  if (response->status == 401 || response->status == 403)
    co_return Error(Errc::unauthenticated, kWhat + ": the access token is not taken");
  if (response->status != 200)
    co_return Error(Errc::unavailable, kWhat + ": status " + std::to_string(response->status));
  Result<Json> claims;
  if (header_of(*response, "content-type").starts_with("application/jwt")) {
    claims = co_await open_signed(std::move(at), std::move(response->body));
  } else {
    claims = object_of(*response, kWhat);
  }
  if (!claims) co_return claims;
  if (!subject.empty() && text_member(*claims, "sub") != subject)
    co_return Error(Errc::invalid, kWhat + ": it is somebody else's");
  co_return claims;
}

}  // namespace passerelle::auth::oidc
