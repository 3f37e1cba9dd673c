#include "proxy/tunnel.hpp"

#include "proxy/connection.hpp"
#include "proxy/pace.hpp"
#include "proxy/route_policy.hpp"

namespace passerelle::proxy {
namespace {

/// A client of the successor has its answer: how long it may take to close its side.
constexpr Millis kLastWords = 2'000;

/// One direction. Keeps bytes only while the receiver is full.
struct Half {
  Socket& from;
  Socket& to;
  Kept& backlog;
  bool from_client = false;
  bool ended = false;  ///< Nothing more will come, and the receiver knows it.

  int from_interest() const noexcept { return !ended && backlog.empty() ? kToRead : 0; }
  int to_interest() const noexcept { return backlog.empty() ? 0 : kToWrite; }
};

void count(Live& live, const Half& half, std::size_t moved) noexcept {
  (half.from_client ? live.bytes_in : live.bytes_out) += moved;
}

enum class Step : std::uint8_t { waits, more, broken };

// A ping or pong that comes alone is the programs' own sign of life, every 30 s from a forgotten
// tab: not somebody's work, and no reason to keep a server.
bool is_activity(std::string_view bytes) noexcept {
  constexpr unsigned char kPing = 0x89;
  constexpr unsigned char kPong = 0x8a;
  constexpr std::size_t kLongestControl = 2 + 4 + 125;
  const auto first = static_cast<unsigned char>(bytes.front());
  if (first != kPing && first != kPong) return true;
  if (bytes.size() < 2 || bytes.size() > kLongestControl) return true;
  const auto second = static_cast<unsigned char>(bytes[1]);
  const std::size_t mask = (second & 0x80U) != 0 ? 4 : 0;
  return bytes.size() != 2 + mask + (second & 0x7fU);
}

/// What the upstream pushes is nobody's work.
void note_by_policy(const Lane& lane, const RoutePolicy& policy, const Half& half) noexcept {
  if (half.from_client) policy.touch(lane.loop->unix_millis());
}

Step move_some(Lane& lane, const Route& route, Half& half, Live& live) {
  constexpr int kRounds = 4;
  for (int round = 0; round < kRounds; ++round) {
    if (!half.backlog.empty()) {
      if (!half.to.writable()) return Step::waits;
      const Io io = half.to.write(half.backlog.view());
      if (io.state == Io::State::failed) return Step::broken;
      half.backlog.consume(io.count);
      if (!half.backlog.empty()) return Step::waits;
    }
    if (half.ended || !half.from.readable()) return Step::waits;
    const Io got = half.from.read(lane.read_room);
    if (got.state == Io::State::again) return Step::waits;
    if (got.state == Io::State::failed) return Step::broken;
    if (got.state == Io::State::end) {
      half.ended = true;
      half.to.shutdown_write();
      return Step::waits;
    }
    const std::string_view bytes(lane.read_room.data(), got.count);
    count(live, half, bytes.size());
    if (route.policy)
      note_by_policy(lane, *route.policy, half);
    else if (is_activity(bytes))
      route.last_activity.store(lane.loop->unix_seconds(), std::memory_order_relaxed);
    const Io put = half.to.write(bytes);
    if (put.state == Io::State::failed) return Step::broken;
    if (put.state == Io::State::again) half.backlog.append(bytes.substr(put.count));
  }
  return Step::more;
}

/// A server that gives a client up says why and closes; while the client still sends, its RST may
/// be met by a write before anything was read. What lies in the kernel is passed on all the same.
void pass_last_words(Lane& lane, Half& half, Live& live) {
  constexpr int kMostReads = 8;
  for (int round = 0; round < kMostReads && !half.ended && half.backlog.empty(); ++round) {
    const Io got = half.from.read(lane.read_room);
    if (got.state != Io::State::ok) return;
    count(live, half, got.count);
    const Io put = half.to.write({lane.read_room.data(), got.count});
    if (put.state != Io::State::ok) return;
  }
}

/// Why a wait ended the tunnel; empty if it goes on.
std::string_view end_by(Wake wake) noexcept {
  switch (wake) {
    case Wake::timeout:
      return "silent";
    case Wake::cut:
      return "cut";
    case Wake::stop:
      return "stopping";
    case Wake::shed:
      return "shed";
    default:
      return {};
  }
}

void log_end(Lane& lane, const Connection& connection, std::string_view end) {
  const Tunnel& tunnel = *connection.tunnel;
  const std::string_view label = tunnel.label.view();
  const std::size_t space = label.find(' ');
  AccessEntry entry;
  entry.method = "GET";
  entry.path = label.substr(0, space);
  entry.peer = label.substr(space + 1);
  entry.upstream = tunnel.route->prefix;
  entry.end = end;
  entry.status = 101;
  entry.bytes_in = connection.bytes_in;
  entry.bytes_out = connection.bytes_out;
  entry.trace = tunnel.trace;
  entry.took = lane.loop->now() - tunnel.began;
  lane.log.add(entry);
  lane.counts.bytes_in.add(connection.bytes_in);
  lane.counts.bytes_out.add(connection.bytes_out);
}

}  // namespace

// One frame for all of it: it is what an idle tunnel costs.
Flow<> run_tunnel(Lane& lane, Connection& connection) {
  Tunnel& tunnel = *connection.tunnel;
  lane.counts.tunnels_opened.add();
  lane.counts.tunnels.add();
  connection.bytes_in = connection.bytes_out = 0;
  Half up{connection.client, tunnel.upstream->socket, connection.received, true};
  Half down{tunnel.upstream->socket, connection.client, tunnel.to_client};
  std::unique_ptr<Pace> pace;  // only while the client does not take what there is
  std::string_view end;        // stays empty if both sides said so
  while (end.empty()) {
    const Step upward = move_some(lane, *tunnel.route, up, connection);
    const Step downward = move_some(lane, *tunnel.route, down, connection);
    if (upward == Step::broken || downward == Step::broken) {
      pass_last_words(lane, upward == Step::broken ? down : up, connection);
      end = "broken";
      break;
    }
    if (up.ended && down.ended) break;  // an end is read only when all is sent
    const bool more = upward == Step::more || downward == Step::more;
    connection.held = static_cast<std::uint32_t>(up.backlog.size() + down.backlog.size());
    if (down.backlog.empty())
      pace.reset();
    else if (!pace)
      pace = std::make_unique<Pace>();
    if (pace && pace->too_slow(lane.settings.limits, connection.client, Pace::Owes::to_take,
                               lane.loop->now())) {
      lane.counts.too_slow.add();
      end = "too-slow";
      break;
    }
    Millis until = lane.loop->now() + millis(lane.settings.limits.tunnel_timeout);
    if (pace) until = std::min(until, pace->deadline());
    if (tunnel.relayed() && down.ended) until = lane.loop->now() + kLastWords;
    Wait wait(*lane.loop, Phase::busy, more ? lane.loop->now() : until);
    if (!more) {  // otherwise it only lets the others have their turn
      wait.on(connection.client, up.from_interest() | down.to_interest());
      wait.on(tunnel.upstream->socket, down.from_interest() | up.to_interest());
    }
    wait.cut_by(tunnel.route->closed);
    if (tunnel.right_ended) wait.cut_by(*tunnel.right_ended);
    const Wake wake = co_await wait;
    const bool only_pace = wake == Wake::timeout && pace && lane.loop->now() >= pace->deadline();
    if (!only_pace) end = end_by(wake);
  }
  if (!end.empty()) {  // neither side may take this for the other's orderly end
    connection.client.reset();
    tunnel.upstream->socket.reset();
  }
  if (!tunnel.relayed()) log_end(lane, connection, end);
  lane.counts.tunnels.subtract();
  connection.tunnel.reset();
}

}  // namespace passerelle::proxy
