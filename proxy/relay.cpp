#include "proxy/relay.hpp"

#include <string>

#include "proxy/answer.hpp"
#include "proxy/connection.hpp"

namespace passerelle::proxy {
namespace {

/// Whose connection it is, for the successor. The ports are not used by anybody.
std::string proxy_line(const std::string& peer) {
  if (peer.empty()) return "PROXY UNKNOWN\r\n";
  const bool v6 = peer.find(':') != std::string::npos;
  return (v6 ? "PROXY TCP6 " : "PROXY TCP4 ") + peer + (v6 ? " ::1" : " 127.0.0.1") + " 1 1\r\n";
}

/// What the client has sent since its last request goes into connection.received.
Io take_more(Lane& lane, Connection& connection) {
  const Io io = connection.client.read(lane.read_room);
  if (io.state == Io::State::ok) connection.received.append({lane.read_room.data(), io.count});
  return io;
}

}  // namespace

Flow<Outcome> hand_on(Lane& lane, Connection& connection) {
  const bool pipelined = connection.received.size() > connection.scanned;
  if (!pipelined) {
    const Io io = take_more(lane, connection);
    if (io.state == Io::State::again) co_return Outcome::wait;
    if (io.state != Io::State::ok) co_return Outcome::close;
  }
  const bool secure = connection.endpoint.scheme() == "https";
  const std::shared_ptr<const Route> route = secure ? lane.successor.secure : lane.successor.plain;
  UpstreamLease lease;
  const Connect connected = co_await lane.pool.connect(*route, lease);
  if (connected == Connect::stopped) co_return Outcome::close;
  if (connected != Connect::ok)
    co_return answer_plain(lane, connection, 503, "", "Retry-After: 1\r\n");
  Kept bytes(proxy_line(connection.peer));
  bytes.append(connection.received.view());
  connection.received = std::move(bytes);
  connection.tunnel = std::make_unique<Tunnel>(route, nullptr, std::move(lease));
  co_return Outcome::tunnel;
}

}  // namespace passerelle::proxy
