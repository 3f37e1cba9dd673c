// The token endpoint (RFC 6749, 4.1.3 and 6): a code, or a refresh token, becomes tokens.
#pragma once

#include <optional>
#include <string>

#include "auth/jwt.hpp"
#include "auth/oidc/discovery.hpp"

namespace passerelle::auth::oidc {

/// What the provider gave. All of them are secrets.
struct Tokens {
  std::string access;
  std::string refresh;             ///< Empty: none came; an older one stays good.
  std::string id;                  ///< The id_token as it came; empty: none.
  std::optional<Instant> expires;  ///< The access token's end, if the provider told.
};

class TokenEndpoint {
 public:
  /// All outlive it. `key`: for private_key_jwt, else without key.
  TokenEndpoint(const config::OidcAuthenticator& settings,
                jwt::Key key,
                HttpClient& http,
                const Clock& clock)
      : settings_(settings), key_(std::move(key)), http_(http), clock_(clock) {}

  /// Errc::unauthenticated: the provider does not take this code (invalid_grant).
  /// Errc::unavailable: it could not be asked, or it does not take us.
  Task<Result<Tokens>> exchange(Endpoints at,
                                std::string code,
                                std::string verifier,
                                std::string redirect_uri);
  /// Likewise.
  Task<Result<Tokens>> refresh(Endpoints at, std::string refresh_token);

 private:
  using Form = std::vector<std::pair<std::string, std::string>>;
  Task<Result<Tokens>> post(Endpoints at, Form form);
  Result<void> prove(const Endpoints& at, Form& form, HttpRequest& request) const;
  std::string way(const Endpoints& at) const;
  Result<std::string> assertion(const Endpoints& at) const;

  const config::OidcAuthenticator& settings_;
  jwt::Key key_;
  HttpClient& http_;
  const Clock& clock_;
};

}  // namespace passerelle::auth::oidc
