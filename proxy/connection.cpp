#include "proxy/connection.hpp"

#include <exception>

#include "base/log.hpp"
#include "proxy/answer.hpp"
#include "proxy/client_tls.hpp"
#include "proxy/forward.hpp"
#include "proxy/http2.hpp"
#include "proxy/hub_exchange.hpp"
#include "proxy/proxy_peer.hpp"
#include "proxy/relay.hpp"
#include "proxy/tls_stream.hpp"

namespace passerelle::proxy {
namespace {

constexpr Millis kLingerLimit = 2'000;
constexpr std::size_t kLingerBytes = 4U << 20U;

/// A request with a path that is none, where the hub wants to answer these.
bool is_for_hub(const Lane& lane, const Scan& scan) noexcept {
  return scan.only_path && lane.settings.bad_paths_to_hub;
}

/// Reads what there is, without waiting, until a head is whole. Its bytes then move into the
/// request, what follows them stays in connection.received.
Scan read_head(Lane& lane, Connection& connection, Request& request, bool& ended) {
  Kept& received = connection.received;
  const std::size_t guarded = lane.settings.guarded_segments;
  Scan scan;
  if (received.size() > connection.scanned) {  // pipelined behind the request before
    scan = scan_request(received.bytes(), connection.scanned, request.head, guarded);
    connection.scanned = static_cast<std::uint32_t>(received.size());
  }
  std::span<char> bytes = received.bytes();
  if (scan.state == Scan::State::incomplete) {
    const std::span<char> room(lane.read_room.data(), Lane::kHeadRead);
    const Io io = connection.client.read(room);
    ended = io.state == Io::State::end || io.state == Io::State::failed;
    if (io.state != Io::State::ok) return scan;
    bytes = room.first(io.count);
    if (!received.empty()) {
      received.append({bytes.data(), bytes.size()});
      bytes = received.bytes();
    }
    scan = scan_request(bytes, connection.scanned, request.head, guarded);
  }
  const std::string_view all(bytes.data(), bytes.size());
  if (scan.state != Scan::State::complete && !is_for_hub(lane, scan)) {
    if (received.empty()) received.assign(all);
    connection.scanned = static_cast<std::uint32_t>(received.size());
    return scan;
  }
  request.bytes.assign(all.substr(0, scan.used));
  request.head.rebase(request.bytes.view().data());
  received.assign(all.substr(scan.used));
  connection.scanned = 0;
  return scan;
}

Outcome answer_asterisk(Lane& lane, Connection& connection, Request& request) {
  return answer_plain(lane, connection, request.entry.status = 200, "",
                      "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
}

/// For an endpoint that only shows the way to the one that speaks TLS. Who repeats the request must
/// keep its method: 308, but for GET, where older clients know 301 better.
Outcome answer_redirect(Lane& lane, Connection& connection, Request& request) {
  const RequestHead& head = request.head;
  std::string_view host = head.host();
  if (host.empty())
    return answer_plain(lane, connection, request.entry.status = 400,
                        "there is no Host to send you to");
  const std::size_t port = host.rfind(':');
  if (port != std::string_view::npos && host.find(']', port) == std::string_view::npos)
    host = host.substr(0, port);
  std::string location = "Location: https://" + std::string(host);
  const std::uint16_t https_port = connection.endpoint.https_port;
  if (https_port != 443) location += ":" + std::to_string(https_port);
  location.append(head.asterisk() ? "/" : head.target()).append("\r\n");
  const bool get = head.is_get() || head.is_head();
  return answer_plain(lane, connection, request.entry.status = get ? 301 : 308, "", location);
}

BodyReader body_of(const RequestHead& head) noexcept {
  if (head.chunked()) return {Framing::chunked, 0};
  const std::uint64_t length = head.content_length().value_or(0);
  return {length == 0 ? Framing::none : Framing::length, length};
}

void begin(Lane& lane, Connection& connection, Request& request) {
  const RequestHead& head = request.head;
  request.began = lane.loop->now();
  request.client =
      resolve_client(head, connection.peer, connection.endpoint.scheme(), lane.shared.trusted);
  request.body = body_of(head);
  request.keep_alive = head.keep_alive() && !lane.draining && lane.pressure == Pressure::none &&
                       !connection.endpoint.relayed;
  request.entry.method = head.method();
  request.entry.path = head.path();
  request.entry.peer = request.client.address;
  if (const auto theirs = parse_traceparent(head.value(FieldId::traceparent)))
    request.entry.trace = *theirs;
  lane.counts.requests.add();
}

/// While it lives, the connection tells of this request.
class Shown {
 public:
  Shown(Live& live, const AccessEntry& entry) noexcept : live_(live), entry_(entry) {
    live.request = &entry;
  }
  ~Shown() {
    live_.request = nullptr;
    live_.held = 0;
    live_.bytes_in += entry_.bytes_in;
    live_.bytes_out += entry_.bytes_out;
  }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;

 private:
  Live& live_;
  const AccessEntry& entry_;
};

/// All that is written down of a request that is over; a tunnel tells of itself at its own end.
void count(Lane& lane, const Request& request, Outcome outcome) {
  const AccessEntry& entry = request.entry;
  lane.counts.bytes_in.add(entry.bytes_in);
  lane.counts.bytes_out.add(entry.bytes_out);
  lane.counts.answers.add(outcome == Outcome::tunnel ? 101 : entry.status);
  if (outcome == Outcome::tunnel) return;
  if (request.route) lane.counts.durations.add(entry.took);
  lane.log.add(entry);
}

Flow<Outcome> serve_request(Lane& lane, Connection& connection) {
  Request request;
  bool ended = false;
  const Scan scan = read_head(lane, connection, request, ended);
  if (ended) co_return Outcome::close;
  if (scan.state == Scan::State::incomplete) co_return Outcome::wait;
  request.entry.trace = lane.traces.next();
  const Shown shown(connection, request.entry);
  if (scan.state == Scan::State::refused && !is_for_hub(lane, scan)) {
    lane.counts.refused_heads.add();
    request.entry.peer = connection.peer;
    request.entry.status = scan.status;
    request.entry.end = scan.reason;
    lane.counts.answers.add(scan.status);
    lane.log.add(request.entry);
    co_return answer_plain(lane, connection, scan.status, scan.reason);
  }
  begin(lane, connection, request);
  Outcome outcome{};
  if (const auto refusal = lane.shared.rules.check(request.head, request.client);
      refusal.status != 0) {
    outcome = answer_plain(lane, connection, request.entry.status = refusal.status, refusal.reason);
  } else if (connection.endpoint.https_port != 0) {
    outcome = answer_redirect(lane, connection, request);
  } else if (misdirected(lane, connection, request.head.host())) {
    outcome = answer_plain(lane, connection, request.entry.status = 421,
                           "this connection was made for another name");
  } else if (scan.only_path) {
    outcome = co_await answer_by_hub(lane, connection, request, 0, kBadPath);
  } else if (request.head.asterisk() || ends_here(request.head)) {
    outcome = answer_asterisk(lane, connection, request);
  } else if (request.head.upgrade_websocket() && !request.head.websocket_13()) {
    outcome = answer_plain(lane, connection, request.entry.status = 426, "",
                           "Sec-WebSocket-Version: 13\r\n");
  } else {
    Verdict verdict = lane.shared.gate.admit(request.head, request.client.address);
    if (auto* const forward = std::get_if<Forward>(&verdict)) {
      request.route = std::move(forward->route);
      request.right_ended = std::move(forward->right_ended);
      request.framed_by = std::move(forward->framed_by);
      request.authorization = std::move(forward->authorization);
      outcome = co_await forward_request(lane, connection, request);
    } else {
      const ToHub to_hub = std::get<ToHub>(verdict);
      outcome = co_await answer_by_hub(lane, connection, request, to_hub.most_body, to_hub.reason);
    }
  }
  request.entry.took = lane.loop->now() - request.began;
  count(lane, request, outcome);
  co_return outcome;
}

/// Our last word is on its way; a close with unread bytes would turn into a RST that destroys it.
Flow<> linger(Lane& lane, Connection& connection) {
  connection.client.shutdown_write();
  const Millis deadline = lane.loop->now() + kLingerLimit;
  for (std::size_t dropped = 0; dropped < kLingerBytes;) {
    const Io io = connection.client.read(lane.read_room);
    dropped += io.count;
    if (io.state == Io::State::ok) continue;
    if (io.state != Io::State::again) break;
    Wait wait(*lane.loop, Phase::busy, deadline);
    wait.on(connection.client, kToRead);
    const Wake wake = co_await wait;
    if (wake != Wake::ready) break;
  }
}

/// Another process may take over: what is asked next waits until that is decided.
Flow<Wake> wait_for_decision(Lane& lane) {
  Wake wake = Wake::ready;
  while (lane.duty == Duty::holding && wake == Wake::ready) {
    Wait wait(*lane.loop, Phase::idle, kNever);
    wake = co_await wait;
  }
  co_return wake;
}

/// One request after the other, up to what becomes of the connection. The time for a head is
/// counted from its first byte, not anew with each.
Flow<Outcome> serve(Lane& lane, Connection& connection) {
  const Millis header_time = millis(lane.settings.limits.header_timeout);
  const Millis idle_time = millis(lane.settings.limits.idle_timeout);
  Millis deadline = lane.loop->now() + header_time;
  Outcome outcome = Outcome::wait;
  while (!lane.draining || outcome == Outcome::wait || lane.duty == Duty::relaying) {
    const bool pipelined = connection.received.size() > connection.scanned;
    if (!pipelined && !connection.client.readable()) {
      Wait wait(*lane.loop, Phase::idle, deadline);
      wait.on(connection.client, kToRead);
      const Wake wake = co_await wait;
      if (wake == Wake::timeout && !connection.received.empty())
        outcome = answer_plain(lane, connection, 408, "the request's head did not come in time");
      if (wake != Wake::ready) break;
    }
    if (lane.duty == Duty::holding) {
      const Wake wake = co_await wait_for_decision(lane);
      if (wake != Wake::ready) break;
    }
    if (lane.duty == Duty::relaying) {
      outcome = co_await hand_on(lane, connection);
      if (outcome == Outcome::wait) continue;
      break;
    }
    const bool first_bytes = connection.received.empty();
    outcome = co_await serve_request(lane, connection);
    if (outcome == Outcome::next)
      deadline = lane.loop->now() + (connection.received.empty() ? idle_time : header_time);
    else if (outcome != Outcome::wait)
      break;
    else if (first_bytes && !connection.received.empty())
      deadline = std::min(deadline, lane.loop->now() + header_time);
  }
  co_return outcome;
}

}  // namespace

Detached serve_connection(Lane& lane, int fd, std::string peer, const Endpoint& endpoint) {
  {
    Connection connection(lane, fd, std::move(peer), endpoint);
    try {
      Outcome outcome = Outcome::close;
      bool ready = connection.client.good();
      if (ready && brings_proxy_header(lane, connection))
        ready = co_await take_proxy_header(lane, connection);
      if (ready && !endpoint.inside_tls) ready = take_seat(lane, connection);
      if (ready && endpoint.tls) ready = co_await secure_client(lane, connection);
      const bool http2 = ready && endpoint.tls && connection.client.tls()->http2();
      if (http2) outcome = co_await serve_http2(lane, connection);
      if (ready && !http2) outcome = co_await serve(lane, connection);
      if (outcome == Outcome::tunnel) co_await run_tunnel(lane, connection);
      if (outcome == Outcome::linger) co_await linger(lane, connection);
      if (outcome == Outcome::reset) connection.client.reset();
    } catch (const std::exception&
                 error) {  // no memory, or a bug: this connection ends, the others go on
      log::error("proxy", "a connection ended by an exception", {{"what", error.what()}});
      connection.client.reset();
    }
    leave_seat(lane, connection);
  }
  --lane.connections;
  lane.loop->keep_ticking();  // a tick after the last one, to give memory back
  if (!endpoint.inside_tls) lane.shared.connections.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace passerelle::proxy
