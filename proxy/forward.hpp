// A request that an upstream answers: clean head up, body both ways at once, one retry when a
// pooled connection turned out to be dead. A 101 leaves a tunnel in the connection. What may cross
// is decided in headers.hpp.
#pragma once

#include "proxy/connection.hpp"
#include "proxy/coroutine.hpp"

namespace passerelle::proxy {

/// `request.route` is where it goes. When nothing has been sent to the client yet, failures are
/// given to the hub, so that a person sees a page. Reasons: "upstream-unreachable" (no connection),
/// "upstream-timeout" (none in time, or no answer), "upstream-closed" (ended before it answered),
/// "upstream-invalid" (the answer is none).
Flow<Outcome> forward_request(Lane& lane, Connection& connection, Request& request);

}  // namespace passerelle::proxy
