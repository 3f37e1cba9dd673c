// HTTP/2 (RFC 9113) towards browsers, translated at the border: each stream becomes an HTTP/1.1
// connection of its own over a pair of sockets, so there is one way for requests, however they
// came. Frames and header compression are nghttp2's.
#pragma once

#include "proxy/connection.hpp"

namespace passerelle::proxy {

/// Serves the connection to its end; its TLS stands. Close, or linger after a last word.
Flow<Outcome> serve_http2(Lane& lane, Connection& connection);

}  // namespace passerelle::proxy
