#include "proxy/http2_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

#include "proxy/chunked.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

Http2Stream::~Http2Stream() {
  if (near_ >= 0) loop_.forget(near_, *this);
  if (near_ >= 0) close(near_);
  if (far_ >= 0) close(far_);
}

bool Http2Stream::open() {
  int pair[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) return false;
  near_ = pair[0];
  far_ = pair[1];
  return loop_.watch(near_, kReading, *this);
}

void Http2Stream::on_events(std::uint32_t events) noexcept {
  const bool over = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if (over && over_since == kNever) over_since = loop_.now();
  owner_.on_stream_event(*this);
}

// --- to the server

std::size_t Http2Stream::write_some(std::string_view bytes) noexcept {
  if (dead_ || bytes.empty()) return 0;
  const ssize_t put = ::send(near_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  dead_ = put < 0 && errno != EAGAIN;
  const std::size_t sent = put < 0 ? 0 : static_cast<std::size_t>(put);
  if (sent < bytes.size() && !writing_armed_) {
    writing_armed_ = true;
    loop_.rewatch(near_, kReading | EPOLLOUT, *this);
  }
  return sent;
}

/// After so many bytes were sent: the bytes of DATA that are gone with them.
std::size_t Http2Stream::settle(std::size_t sent) noexcept {
  if (dead_) backlog_.clear();
  const std::size_t gone = backlog_.empty() ? unconsumed_ : std::min(unconsumed_, sent);
  unconsumed_ -= gone;
  return gone;
}

/// What the server does not take at once is kept.
std::size_t Http2Stream::send(std::string_view bytes) {
  const std::size_t sent = backlog_.empty() ? write_some(bytes) : 0;
  if (!dead_) backlog_.append(bytes.substr(sent));
  return settle(sent);
}

void Http2Stream::begin(std::string_view head, bool chunked) {
  chunked_ = chunked;
  send(head);
}

std::size_t Http2Stream::push(std::string_view data) {
  if (data.empty()) return 0;
  std::size_t gone = chunked_ ? send(ChunkPrefix(data.size()).text()) : 0;
  unconsumed_ += data.size();
  gone += send(data);
  return chunked_ ? gone + send("\r\n") : gone;
}

std::size_t Http2Stream::end() {
  if (request.websocket()) {
    ends_ = true;
    return flush();
  }
  return chunked_ ? send(kLastChunk) : 0;
}

std::size_t Http2Stream::flush() {
  const std::size_t sent = write_some(backlog_.view());
  if (sent != 0) backlog_.consume(sent);
  const std::size_t gone = settle(sent);
  if (ends_ && backlog_.empty()) shutdown(near_, SHUT_WR);
  return gone;
}

// --- from it

Http2Stream::Got Http2Stream::receive(std::span<char> into, std::size_t& count) noexcept {
  const ssize_t got = recv(near_, into.data(), into.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Got::wait;
  if (got <= 0) return Got::done;
  count = static_cast<std::size_t>(got);
  return Got::some;
}

Http2Stream::Got Http2Stream::read_head(std::span<char> room, ResponseHead& head) {
  for (;;) {
    const std::size_t kept = early_.size();
    if (kept != 0) std::memcpy(room.data(), early_.view().data(), kept);
    std::size_t count = 0;
    Got got = Got::wait;
    if (kept == scanned_) got = receive(room.subspan(kept, kMostHead + 1), count);
    if (kept == scanned_ && got == Got::wait) return Got::wait;
    if (kept == scanned_ && got == Got::done) return Got::broken;
    const std::string_view all(room.data(), kept + count);
    const Asked asked{request.is_head(), request.websocket()};
    const Scan scan = scan_response({all.data(), all.size()}, scanned_, asked, head);
    if (scan.state == Scan::State::refused) return Got::broken;
    const bool whole = scan.state == Scan::State::complete;
    early_.clear();
    early_.append(all.substr(whole ? scan.used : 0));
    scanned_ = whole ? 0 : early_.size();
    if (whole) return Got::some;
    if (all.size() > kMostHead) return Got::broken;
  }
}

void Http2Stream::expect_body(const ResponseHead& head) {
  tunnel = head.status() == 101;
  const Framing framing = tunnel ? Framing::until_close : head.framing();
  reader_ = BodyReader(framing, head.length());
  if (framing == Framing::chunked) reader_.keep_trailers();
}

Http2Stream::Got Http2Stream::read_body(std::span<char> into, std::size_t& count) {
  while (!reader_.finished()) {
    std::size_t size = 0;
    if (!early_.empty()) {
      size = std::min(early_.size(), into.size());
      std::memcpy(into.data(), early_.view().data(), size);
      early_.consume(size);
    } else if (const Got got = receive(into, size); got == Got::wait) {
      return got;
    } else if (got == Got::done) {
      return reader_.end() ? Got::done : Got::broken;
    }
    const BodyReader::Piece piece = reader_.next(into.first(size));
    if (piece.bad) return Got::broken;
    count = piece.data.size();
    if (count == 0) continue;
    std::memmove(into.data(), piece.data.data(), count);
    return Got::some;
  }
  return Got::done;
}

}  // namespace passerelle::proxy
