// GitHub's organisations and teams: asked of its API, as its OAuth tells of none.
#pragma once

#include "auth/oidc/discovery.hpp"

namespace passerelle::auth::oidc {

/// "inria" and "inria/hub" for each that the person is in, if the configuration asks for any; else
/// nothing is asked. Fails closed: Errc::unavailable when one page of the answer could not be had
/// (CVE-2018-7206).
Task<Result<std::vector<std::string>>> memberships(const config::OidcAuthenticator& settings,
                                                   HttpClient& http,
                                                   std::string access_token);

/// Whether one of those that the configuration asks for is among them; true if it asks for none.
bool is_member(const config::OidcAuthenticator& settings,
               const std::vector<std::string>& memberships);

}  // namespace passerelle::auth::oidc
