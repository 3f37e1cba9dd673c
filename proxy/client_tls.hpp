// TLS towards clients: the handshake at the beginning of a connection, and what it promised.
#pragma once

#include "proxy/connection.hpp"
#include "proxy/coroutine.hpp"

namespace passerelle::proxy {

/// The handshake of an endpoint that speaks TLS; false if the connection has to end. A client that
/// spoke plain HTTP has been told so.
Flow<bool> secure_client(Lane& lane, Connection& connection);

/// Whether the request is for another name than the client gave in the handshake (SNI): browsers
/// ask a connection only for names its certificate has, so it is answered 421 (RFC 9110, 15.5.20).
/// Front proxies may speak for many names.
bool misdirected(const Lane& lane, const Connection& connection, std::string_view host) noexcept;

}  // namespace passerelle::proxy
