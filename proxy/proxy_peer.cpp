#include "proxy/proxy_peer.hpp"

#include <cerrno>

#include "proxy/answer.hpp"
#include "proxy/proxy_protocol.hpp"

namespace passerelle::proxy {
namespace {

void refuse(Lane& lane, Connection& connection, std::string_view reason) {
  lane.counts.refused_heads.add();
  AccessEntry entry;
  entry.peer = connection.peer;
  entry.end = reason;
  lane.log.add(entry);
  connection.client.reset();
}

/// Looks at what is there without taking it, so that what follows the header stays for TLS.
ssize_t peek(Socket& client, std::span<char> room) noexcept {
  return recv(client.fd(), room.data(), room.size(), MSG_PEEK | MSG_DONTWAIT);
}

}  // namespace

bool brings_proxy_header(const Lane& lane, const Connection& connection) noexcept {
  const TrustedProxies& senders = lane.shared.proxy_senders;
  if (connection.endpoint.inside_tls) return false;
  if (connection.endpoint.relayed) return true;
  return !senders.empty() && senders.contains(connection.peer);
}

Flow<bool> take_proxy_header(Lane& lane, Connection& connection) {
  Socket& client = connection.client;
  const Millis deadline = lane.loop->now() + millis(lane.settings.limits.header_timeout);
  const std::span<char> room(lane.read_room.data(), kMostProxyHeader);
  Kept seen;
  for (;;) {
    const ssize_t got = client.readable() ? peek(client, room) : -1;
    if (got == 0) co_return false;  // a health check
    if (got > 0) {
      const auto count = static_cast<std::size_t>(got);
      const std::size_t before = seen.size();
      seen.append({room.data(), count});
      ProxyHeader header = scan_proxy_header(seen.view());
      if (header.state == ProxyHeader::State::refused) {
        refuse(lane, connection, header.reason);
        co_return false;
      }
      const bool complete = header.state == ProxyHeader::State::complete;
      const std::size_t ours = complete ? header.used - before : count;
      const Io io = client.read(room.first(ours));
      if (io.state != Io::State::ok || io.count != ours) co_return false;
      if (!complete) continue;
      if (!header.address.empty()) connection.peer = std::move(header.address);
      co_return true;
    }
    if (client.readable()) {  // it only seems so: let the socket find out, by a byte that is the
                              // header's
      const Io io = client.read(room.first(1));
      if (io.state == Io::State::end || io.state == Io::State::failed) co_return false;
      if (io.state != Io::State::ok) continue;
      // One came meanwhile, and it may be the last one.
      seen.append({room.data(), 1});
      ProxyHeader header = scan_proxy_header(seen.view());
      if (header.state == ProxyHeader::State::refused) {
        refuse(lane, connection, header.reason);
        co_return false;
      }
      if (header.state != ProxyHeader::State::complete) continue;
      if (!header.address.empty()) connection.peer = std::move(header.address);
      co_return true;
    }
    Wait wait(*lane.loop, Phase::idle, deadline);
    wait.on(client, kToRead);
    const Wake wake = co_await wait;
    if (wake == Wake::timeout) refuse(lane, connection, "the PROXY header did not come in time");
    if (wake != Wake::ready) co_return false;
  }
}

bool take_seat(Lane& lane, Connection& connection) {
  const std::uint32_t most = lane.settings.limits.max_connections_per_address;
  AddressBytes address;
  if (most == 0 || !parse_address(connection.peer, address)) return true;
  if (!lane.shared.trusted.empty() && lane.shared.trusted.contains(address)) return true;
  if (lane.shared.addresses.enter(address, most, connection.seat)) return true;
  lane.counts.turned_away.add();
  lane.counts.crowded_addresses.add();
  if (connection.endpoint.tls) return false;
  // Read first: a close with unread bytes would be a RST, and our words would be lost with it.
  connection.client.read(lane.read_room);
  answer_plain(lane, connection, 429, "too many connections from your address",
               "Retry-After: 5\r\n");
  return false;
}

void leave_seat(Lane& lane, const Connection& connection) noexcept {
  lane.shared.addresses.leave(connection.seat);
}

}  // namespace passerelle::proxy
