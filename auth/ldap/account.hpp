// What an entry says of a person: who they are for us, and whether their account is closed. Pure.
#pragma once

#include <string>
#include <vector>

#include "auth/authenticator.hpp"
#include "auth/ldap/entry.hpp"
#include "base/result.hpp"
#include "config/authenticators/ldap.hpp"

namespace passerelle::auth::ldap {

/// Every attribute that a sign-in reads.
std::vector<std::string> wanted_attributes(const config::LdapAuthenticator& settings);

/// The one name of an entry, whichever of its names was typed: the value in its DN, the only one,
/// or the first in the alphabet. Errc::invalid: it has none, or one that is no name here.
Result<std::string> username_of(const Entry& entry, const config::LdapAuthenticator& settings);

/// The identity's subject: the subject attribute as text (a binary objectGUID as Active Directory
/// writes it), else the username in lower case. Errc::invalid: the entry does not have it.
Result<std::string> subject_of(const Entry& entry,
                               const std::string& username,
                               const config::LdapAuthenticator& settings);
/// A filter that finds the entry by its subject attribute, which is configured.
std::string subject_filter(const std::string& subject, const config::LdapAuthenticator& settings);

std::string display_name_of(const Entry& entry,
                            const std::string& username,
                            const config::LdapAuthenticator& settings);

/// What is kept for spawners: the configured attributes, as far as they are text.
AuthState state_of(const Entry& entry,
                   const std::string& username,
                   const config::LdapAuthenticator& settings);

/// Why the account is closed for good ("disabled", "account-expired"), or empty. A lock that goes
/// away by itself is none: anybody can cause it by guessing, and nobody shall put others out so.
std::string closed_because(const Entry& entry, Instant now);

}  // namespace passerelle::auth::ldap
