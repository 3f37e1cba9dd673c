// What an id_token must say before it is believed (OpenID Connect Core 1.0, 3.1.3.7 and 12.2), once
// its signature is known to be right. Pure functions.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "auth/jwt.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace passerelle::auth::oidc {

/// Whom a token must come from and be for, and by which clock.
struct Parties {
  std::string issuer;
  std::string client_id;
  Instant now{};
  seconds leeway{60};
};

/// iss, aud, azp, exp (required), iat (required), nbf. Errc::invalid with the claim that is wrong.
Result<void> check_parties(const nlohmann::json& claims, const Parties& parties);

/// What was asked for when the browser was sent away.
struct Asked {
  std::string nonce;
  std::string access_token;      ///< Compared with at_hash, if that is there.
  std::string algorithm;         ///< The token's, for at_hash.
  std::vector<std::string> acr;  ///< One of them; empty: any.
  std::vector<std::string> amr;
  seconds max_age{0};  ///< 0: any.
};

/// The token of a sign-in. Errc::invalid: the token is wrong; Errc::forbidden: it is right, but the
/// person did not sign in as strongly, or as lately, as asked.
Result<void> check_sign_in(const nlohmann::json& claims,
                           const Parties& parties,
                           const Asked& asked);

/// The token of a refresh: the same nonce if there is one, and the same person, else
/// Errc::forbidden.
Result<void> check_refreshed(const nlohmann::json& claims,
                             const Parties& parties,
                             const std::string& subject,
                             const std::string& nonce);

}  // namespace passerelle::auth::oidc
