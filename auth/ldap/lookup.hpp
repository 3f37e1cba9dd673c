// From a name and a password to an entry of the directory, on one connection. Blocking.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "auth/ldap/connection.hpp"
#include "config/authenticators/ldap.hpp"

namespace passerelle::auth::ldap {

/// Not let in. The person hears the same for every `why`, or could find out who has an account, and
/// which one is locked.
struct Denied {
  std::string why;  ///< "unknown-user", "wrong-password", "locked", "ambiguous", ...: for the log.
  std::string detail;        ///< For the log too.
  bool must_change = false;  ///< The password was right, but a new one must be chosen first.
};

using Verdict = std::variant<Entry, Denied>;

/// The account that looks up, on this connection from now on; without one nothing happens.
/// Errc::forbidden: its password is wrong.
Result<void> bind_service(Connection& connection,
                          const config::LdapAuthenticator& settings,
                          Deadline deadline);

/// Finds the person and tries their password. The connection is the lookup account's afterwards, or
/// the person's if there is none.
Result<Verdict> verify(Connection& connection,
                       const config::LdapAuthenticator& settings,
                       const std::string& username,
                       const std::string& password,
                       Deadline deadline);

/// Whether the lookup account can tell if somebody is still there (see find_again).
bool can_look_up(const config::LdapAuthenticator& settings);

/// The person of an earlier sign-in: by the subject attribute if there is one, by name otherwise,
/// and only if the filter still lets them in. None: gone. The connection must be the lookup
/// account's.
Result<std::optional<Entry>> find_again(Connection& connection,
                                        const config::LdapAuthenticator& settings,
                                        const std::string& subject,
                                        const std::string& username,
                                        Deadline deadline);

/// Whether the server's answer to "who am I" is this entry. "u:PLANET\fry" is compared with
/// sAMAccountName, "u:fry@planet.example" with userPrincipalName.
bool is_the_bound_one(const std::string& who, const Entry& entry);

/// "{username}@example.fr", "EXAMPLE\{username}": no DN, as Active Directory takes them.
bool is_principal(std::string_view user_dn) noexcept;

/// Of people: the configured one, or by the username attribute.
std::string filter_for(const config::LdapAuthenticator& settings, const std::string& username);

}  // namespace passerelle::auth::ldap
