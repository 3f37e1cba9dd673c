// Sign-out in both directions: the provider tells us (OpenID Connect Back-Channel Logout 1.0), and
// we send the browser to the provider (RP-Initiated Logout 1.0).
#pragma once

#include <map>
#include <string>

#include "auth/authenticator.hpp"
#include "auth/jwks.hpp"
#include "auth/oidc/discovery.hpp"
#include "auth/oidc/id_token.hpp"

namespace passerelle::auth::oidc {

/// What a logout token must say once its signature is right. Errc::invalid with what is wrong.
Result<void> check_logout_token(const nlohmann::json& claims,
                                const std::string& type,
                                const Parties& parties);

/// One loop only.
class BackChannel {
 public:
  BackChannel(const config::OidcAuthenticator& settings, KeySource& keys, const Clock& clock)
      : settings_(settings), keys_(keys), clock_(clock) {}

  /// The form's logout_token: EndSessions, or a Reply that refuses it. An error: the signing keys
  /// could not be had.
  Task<Result<AuthAnswer>> take(Endpoints at, std::string logout_token);

 private:
  bool is_new(const std::string& id);

  const config::OidcAuthenticator& settings_;
  KeySource& keys_;
  const Clock& clock_;
  std::map<std::string, Instant> seen_;  // by jti, as long as such a token would be taken
};

/// See Authenticator::sign_out_url.
std::string sign_out_url(const Endpoints& at,
                         const std::string& client_id,
                         const std::string& hint,
                         const std::string& back);

}  // namespace passerelle::auth::oidc
