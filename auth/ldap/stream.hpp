// The bytes below TLS. libldap's own layer cannot keep a deadline there: with GnuTLS its handshake
// spins for ever, at full speed, when a server takes the connection and says nothing.
#pragma once

#include <memory>

#include "auth/ldap/socket.hpp"

struct sockbuf;

namespace passerelle::auth::ldap {

struct Stream {
  Deadline deadline;  ///< Of every read and write from now on; afterwards they fail.
};

/// Puts `stream` below everything else of `buffer`, whose descriptor is set; it must outlive it.
bool attach(struct sockbuf* buffer, Stream& stream);

}  // namespace passerelle::auth::ldap
