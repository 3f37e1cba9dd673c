// Whose connection it is, settled before its first byte is read as TLS or HTTP: a load balancer's
// PROXY header, and a seat among those of the same address.
#pragma once

#include "proxy/connection.hpp"
#include "proxy/coroutine.hpp"

namespace passerelle::proxy {

/// The connection comes from a listed load balancer, so it begins with a PROXY header.
bool brings_proxy_header(const Lane& lane, const Connection& connection) noexcept;
/// Reads that header, and not a byte more; connection.peer is then the client it names. False if
/// none came in time or it was refused: the connection must end.
Flow<bool> take_proxy_header(Lane& lane, Connection& connection);

/// False if the address has its share of connections already; it has been told so. Trusted proxies
/// and Unix sockets speak for many and need no seat.
bool take_seat(Lane& lane, Connection& connection);
void leave_seat(Lane& lane, const Connection& connection) noexcept;

}  // namespace passerelle::proxy
