// Where a provider's endpoints are: what its discovery document says (OpenID Connect
// Discovery 1.0), unless the configuration says it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/single_flight.hpp"
#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "config/authenticators/oidc.hpp"

namespace passerelle::auth::oidc {

struct Endpoints {
  std::string issuer;
  std::string authorize;
  std::string token;
  std::string userinfo;                  ///< Empty: there is none.
  std::string jwks;                      ///< Empty: plain OAuth.
  std::string end_session;               ///< Empty: there is none.
  std::vector<std::string> client_auth;  ///< "client_secret_basic", ...
  bool names_itself = false;             ///< Sends `iss` back with the code (RFC 9207).
  bool back_channel_logout = false;
};

/// Reads a discovery document; Errc::invalid with what is wrong: another issuer, an endpoint that
/// is not https.
Result<Endpoints> read_discovery(std::string_view json, const std::string& issuer);

/// One loop only.
class Discovery {
 public:
  /// All outlive it; `settings` after apply_preset.
  Discovery(const config::OidcAuthenticator& settings, HttpClient& http, const Clock& clock);

  /// Fetched when first asked for, so that we start without the provider, then once a day; when
  /// that fails, what was known goes on. Errc::unavailable: nothing is known yet.
  Task<Result<std::shared_ptr<const Endpoints>>> endpoints();
  /// What is known now; may be null.
  std::shared_ptr<const Endpoints> known() const { return known_; }
  std::string url() const;
  /// For check-config: the answer itself.
  Task<Result<HttpResponse>> fetch();

 private:
  Task<Result<std::shared_ptr<const Endpoints>>> renew();
  void put_configured(Endpoints& endpoints) const;

  const config::OidcAuthenticator& settings_;
  HttpClient& http_;
  const Clock& clock_;
  std::shared_ptr<const Endpoints> known_;
  Instant good_until_{};
  SingleFlight<std::shared_ptr<const Endpoints>> flight_;
};

}  // namespace passerelle::auth::oidc
