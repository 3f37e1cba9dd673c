// What people typed, made harmless inside a filter or a DN. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace passerelle::auth::ldap {

/// For a value in a search filter (RFC 4515): * ( ) \ and NUL become \xx, and so does what is not
/// UTF-8.
std::string escape_filter(std::string_view value);
/// Bytes of a binary attribute for a filter: each one as \xx.
std::string escape_bytes(std::string_view bytes);
/// For a value in a DN (RFC 4514).
std::string escape_dn(std::string_view value);

enum class Into { filter, dn, nothing };
/// The template with each {username} replaced by the escaped name. The template itself is the
/// operator's and stays as it is.
std::string fill_in(std::string_view pattern, std::string_view username, Into into);

}  // namespace passerelle::auth::ldap
