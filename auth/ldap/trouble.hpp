// What went wrong, in words for operators. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace passerelle::auth::ldap {

struct Target;

/// libldap speaks to GnuTLS here and says almost nothing: what was checked, and how to look at it.
std::string tls_advice(const Target& target, std::string_view words);

/// A result code of LDAP as our Error (see Connection).
Error error_of(int code, const std::string& doing, std::string_view words);

/// Active Directory refuses a bind with "..., data 52e, v4563": the reason behind the code, or
/// empty. "locked", "disabled", "account-expired", "password-expired", "password-must-change",
/// "unknown-user", "wrong-password", "logon-hours".
std::string active_directory_reason(std::string_view words);

}  // namespace passerelle::auth::ldap
