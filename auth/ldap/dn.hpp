// Distinguished names, read and compared. Servers write the same DN in several ways (case, spaces,
// escapes, hex), so they are never compared as text.
#pragma once

#include <string>
#include <string_view>

namespace passerelle::auth::ldap {

/// The DN in one writing, for comparing only: attribute names and ASCII letters in lower case,
/// spaces folded, escapes as RFC 4514 needs them. Empty: it is no DN, or the root.
std::string dn_key(std::string_view dn);
bool same_dn(std::string_view a, std::string_view b);
/// The same with the values' own letters, for people to read.
std::string dn_text(std::string_view dn);
/// The value of the first component ("crew" of cn=crew,ou=groups), or empty.
std::string first_value(std::string_view dn);
/// The value that the first component gives this attribute, or empty.
std::string first_value(std::string_view dn, std::string_view attribute);

}  // namespace passerelle::auth::ldap
