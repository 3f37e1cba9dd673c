// The TCP or Unix connection below a libldap handle. Ours and not libldap's, so that "nobody
// listens" and "TLS failed" are two messages, and each address has its share of the deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace passerelle::auth::ldap {

using Deadline = std::chrono::steady_clock::time_point;

struct Uri {
  enum class Scheme { ldap, ldaps, ldapi };
  Scheme scheme = Scheme::ldap;
  std::string host;  ///< Without brackets; ldapi: the path.
  std::uint16_t port = 389;
};

/// "ldap://host", "ldaps://[::1]:636", "ldapi://%2Frun%2Fslapd%2Fldapi"; Errc::invalid.
Result<Uri> parse_uri(std::string_view given);

/// A connected socket, owned by the caller. Blocks until `deadline` at most, but for the time
/// that the system's resolver takes by itself. Errc::unavailable, Errc::timeout.
Result<int> connect_socket(const Uri& uri, Deadline deadline);

}  // namespace passerelle::auth::ldap
