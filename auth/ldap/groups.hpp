// The groups of a person. Blocking. Fails closed: what cannot be read whole is an error, never a
// shorter list.
#pragma once

#include <string>
#include <vector>

#include "auth/ldap/connection.hpp"
#include "config/authenticators/ldap.hpp"

namespace passerelle::auth::ldap {

/// Names as people have them here: cn or DN, with the prefix; sorted, each once. The connection
/// must be allowed to read groups.
Result<std::vector<std::string>> groups_of(Connection& connection,
                                           const config::LdapAuthenticator& settings,
                                           const Entry& person,
                                           Deadline deadline);

/// Whether one of `required` is among `groups`; true if nothing is required. Case does not count,
/// and DNs are compared as DNs.
bool in_required(const std::vector<std::string>& groups, const config::LdapAuthenticator& settings);

}  // namespace passerelle::auth::ldap
