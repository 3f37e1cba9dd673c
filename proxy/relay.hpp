// Relay: a process that has handed over to its successor still holds connections. Who was being
// served is served to the end here; what a connection asks next goes to the successor, byte for
// byte (below TLS), so that no client meets a closed door.
#pragma once

#include <cstdint>
#include <memory>

#include "proxy/coroutine.hpp"
#include "proxy/route_table.hpp"

namespace passerelle::proxy {

struct Lane;
struct Connection;
enum class Outcome : std::uint8_t;

/// Where the successor takes these connections over: its relayed endpoints.
struct RelayRoutes {
  std::shared_ptr<const Route> plain;
  std::shared_ptr<const Route> secure;  ///< For clients that speak TLS with us.
};

/// Between two requests, while Duty::relaying. Outcome::wait: the client has not asked for anything
/// more. Outcome::tunnel: the successor has the connection.
Flow<Outcome> hand_on(Lane& lane, Connection& connection);

}  // namespace passerelle::proxy
