// `check-config --deep`: what a sign-in will need, tried server by server.
#pragma once

#include <vector>

#include "auth/authenticator.hpp"
#include "auth/ldap/connection.hpp"
#include "config/authenticators/ldap.hpp"

namespace passerelle::auth::ldap {

/// Blocking, within `deadline`.
std::vector<Finding> check_server(const Target& target,
                                  const config::LdapAuthenticator& settings,
                                  Deadline deadline);

}  // namespace passerelle::auth::ldap
