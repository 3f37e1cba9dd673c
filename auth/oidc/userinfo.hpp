// The userinfo endpoint (OpenID Connect Core 1.0, 5.3): the rest about a person.
#pragma once

#include "auth/jwks.hpp"
#include "auth/oidc/discovery.hpp"

namespace passerelle::auth::oidc {

/// Asks with the access token. `subject`: whose answer it must be; empty with plain OAuth.
/// Errc::unauthenticated: the provider does not take the token (401, 403); Errc::invalid: the
/// answer is somebody else's, or signed wrongly; Errc::unavailable: could not be asked.
class UserInfo {
 public:
  UserInfo(const config::OidcAuthenticator& settings, HttpClient& http, KeySource& keys)
      : settings_(settings), http_(http), keys_(keys) {}
  Task<Result<nlohmann::json>> get(Endpoints at, std::string access_token, std::string subject);

 private:
  Task<Result<nlohmann::json>> open_signed(Endpoints at, std::string body);

  const config::OidcAuthenticator& settings_;
  HttpClient& http_;
  KeySource& keys_;
};

}  // namespace passerelle::auth::oidc
