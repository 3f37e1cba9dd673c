#include "proxy/http2.hpp"

#include "proxy/http2_session.hpp"

namespace passerelle::proxy {

Flow<Outcome> serve_http2(Lane& lane, Connection& connection) {
  Http2Session session(lane, connection);
  for (;;) {
    const bool waits = session.turn();
    if (!session.alive()) co_return session.failed() ? Outcome::close : Outcome::linger;
    const Millis until = waits ? session.deadline() : lane.loop->now();
    Wait wait(*lane.loop, session.phase(), until);
    if (waits) wait.on(connection.client, session.interest());
    const Wake wake = co_await wait;
    if (!session.go_on(wake)) co_return Outcome::close;
  }
}

}  // namespace passerelle::proxy
