// check-config --deep for a provider: tries what a sign-in will need.
#pragma once

#include "auth/authenticator.hpp"
#include "auth/jwks.hpp"
#include "auth/oidc/discovery.hpp"

namespace passerelle::auth::oidc {

Task<std::vector<Finding>> check_provider(const config::OidcAuthenticator& settings,
                                          Discovery& discovery,
                                          KeySource& keys,
                                          const Clock& clock,
                                          std::string redirect_uri);

/// How far apart two clocks are, from the Date header of an answer (RFC 9110, 5.6.7); none: it
/// cannot be read.
std::optional<seconds> clock_skew(std::string_view date, Instant now);

}  // namespace passerelle::auth::oidc
