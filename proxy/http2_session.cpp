#include "proxy/http2_session.hpp"

#include <array>

#include "proxy/http2_callbacks.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::size_t kOutAtOnce = 32U << 10U;
constexpr int kRounds = 16;

/// Where the far ends of all streams are served.
const Endpoint& inside() {
  static const Endpoint kInside{.inside_tls = true};
  return kInside;
}

}  // namespace

Http2Session::Http2Session(Lane& lane, Connection& connection)
    : lane_(lane),
      connection_(connection),
      session_(new_http2_session(*this)),
      idle_since_(lane.loop->now()),
      next_sweep_(lane.loop->now()) {
  const std::array<nghttp2_settings_entry, 4> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMostStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, Http2Request::kMostFields},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow);
}

Http2Session::~Http2Session() {
  nghttp2_session_del(session_);
}

bool Http2Session::alive() const noexcept {
  if (failed_) return false;
  return !out_.empty() || nghttp2_session_want_read(session_) != 0 ||
         nghttp2_session_want_write(session_) != 0;
}

Http2Stream* Http2Session::find(std::int32_t id) const noexcept {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

void Http2Session::reset(std::int32_t id, std::uint32_t code) noexcept {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
}

void Http2Session::calm() noexcept {
  if (std::exchange(calmed_, true)) return;
  lane_.counts.shed.add();
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

/// So many bytes of a stream left us: the client may send as many more.
void Http2Session::consume(const Http2Stream& stream, std::size_t count) noexcept {
  if (count != 0) nghttp2_session_consume(session_, stream.id, count);
}

// --- a turn

bool Http2Session::turn() {
  if (lane_.draining && !leaving_) leave();
  const bool all_read = receive();
  serve_begun();
  while (!ready_.empty()) {
    Http2Stream* const stream = find(ready_.back());
    ready_.pop_back();
    if (stream == nullptr) continue;
    stream->queued = false;
    advance(*stream);
  }
  if (lane_.loop->now() >= next_sweep_) sweep();
  const bool all_sent = transmit();
  note_held();
  return all_read && all_sent;
}

bool Http2Session::receive() {
  for (int round = 0; round < kRounds; ++round) {
    if (!connection_.client.readable() || nghttp2_session_want_read(session_) == 0) return true;
    const Io io = connection_.client.read(lane_.read_room);
    if (io.state == Io::State::again) return true;
    failed_ = io.state != Io::State::ok;
    if (failed_) return true;
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(lane_.read_room.data());
    const ssize_t used = nghttp2_session_mem_recv(session_, bytes, io.count);
    if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
      nghttp2_session_terminate_session(session_, NGHTTP2_PROTOCOL_ERROR);
    else if (used < 0)
      calm();  // nghttp2 itself has had enough
    if (used < 0) return true;
    serve_begun();
  }
  return false;
}

/// Not from within nghttp2: who is served uses the same scratch.
void Http2Session::serve_begun() {
  for (const std::int32_t id : std::exchange(begun_, {})) {
    Http2Stream* const stream = find(id);
    if (stream == nullptr) continue;
    ++lane_.connections;
    serve_connection(lane_, stream->take_far(), connection_.peer, inside());
  }
}

/// Frames for about one write.
void Http2Session::collect() {
  while (out_.size() < kOutAtOnce) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) failed_ = true;
    if (size <= 0) return;
    out_.append({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
}

bool Http2Session::transmit() {
  for (int round = 0; round < kRounds; ++round) {
    if (out_.empty()) collect();
    if (out_.empty()) return true;
    const Io io = connection_.client.write(out_.view());
    if (io.state == Io::State::failed) return failed_ = true;
    if (io.count != 0) blocked_since_ = kNever;
    if (io.count != 0) out_.consume(io.count);
    if (io.state != Io::State::again) continue;
    if (blocked_since_ == kNever) blocked_since_ = lane_.loop->now();
    return true;
  }
  return false;
}

void Http2Session::note_held() noexcept {
  std::size_t held = out_.size();
  for (const auto& [id, stream] : streams_) held += stream->held();
  connection_.held = static_cast<std::uint32_t>(held);
}

// --- time

Millis Http2Session::deadline() const noexcept {
  const config::Proxy& limits = lane_.settings.limits;
  if (blocked_since_ != kNever)
    return std::min(blocked_since_ + millis(limits.body_timeout), pace_.deadline());
  if (streams_.empty()) return idle_since_ + millis(limits.idle_timeout);
  return next_sweep_;
}

bool Http2Session::go_on(Wake wake) noexcept {
  const config::Proxy& limits = lane_.settings.limits;
  const Millis now = lane_.loop->now();
  if (wake == Wake::shed || (wake == Wake::stop && leaving_)) return false;
  if (wake == Wake::stop) leave();
  const auto owes = out_.empty() ? Pace::Owes::nothing : Pace::Owes::to_take;
  if (pace_.too_slow(limits, connection_.client, owes, now)) {
    lane_.counts.too_slow.add();
    return false;
  }
  if (wake != Wake::timeout) return true;
  if (blocked_since_ != kNever) return now < blocked_since_ + millis(limits.body_timeout);
  const bool idle = streams_.empty() && now >= idle_since_ + millis(limits.idle_timeout);
  if (idle) nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  return true;
}

/// What the stream waits for. Bytes that stand behind those of another stream are not the client's
/// fault, so only a window that is used up counts, and for uploads what the connection brings.
Pace::Owes Http2Session::owed_by_client(const Http2Stream& stream) const noexcept {
  if (!stream.opened()) return Pace::Owes::nothing;
  if (stream.answered) {
    const bool more = !stream.deferred && !stream.finished();
    const bool full = nghttp2_session_get_stream_remote_window_size(session_, stream.id) <= 0;
    return more && full ? Pace::Owes::to_take : Pace::Owes::nothing;
  }
  const bool whole = nghttp2_session_get_stream_remote_close(session_, stream.id) != 0;
  const bool takes = !stream.request.websocket() && stream.held() == 0;
  return !whole && takes ? Pace::Owes::to_send : Pace::Owes::nothing;
}

/// Ends what waits for its client for too long: streams whose server is gone and whose rest nobody
/// takes, and those that only drip (min_rate). HTTP/1.1 has the same limits for its connections.
void Http2Session::sweep() noexcept {
  const config::Proxy& limits = lane_.settings.limits;
  const Millis now = lane_.loop->now();
  const Millis patience = millis(limits.body_timeout);
  next_sweep_ = now + std::min(patience, millis(limits.min_rate_after));
  bool waits = false;
  for (const auto& [id, stream] : streams_) {
    const Pace::Owes owes = owed_by_client(*stream);
    const std::uint64_t moved = owes == Pace::Owes::to_send ? brought_ : stream->taken;
    const bool slow = stream->pace.too_slow(limits, moved, owes, now);
    const bool over = stream->over_since != kNever && now - stream->over_since >= patience;
    if (slow) lane_.counts.too_slow.add();
    if (slow || over) reset(id, NGHTTP2_CANCEL);
    waits = waits || (stream->answered && stream->opened() && !stream->deferred);
  }
  const bool full = waits && nghttp2_session_get_remote_window_size(session_) <= 0;
  const auto owes = full ? Pace::Owes::to_take : Pace::Owes::nothing;
  if (!window_pace_.too_slow(limits, taken_, owes, now)) return;
  lane_.counts.too_slow.add();
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
}

/// Requests that are under way go on; the client takes new ones elsewhere.
void Http2Session::leave() noexcept {
  leaving_ = true;
  const std::int32_t last = nghttp2_session_get_last_proc_stream_id(session_);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
}

void Http2Session::on_stream_event(Http2Stream& stream) noexcept {
  if (!stream.queued) ready_.push_back(stream.id);
  stream.queued = true;
  connection_.client.interrupt(Wake::ready);
}

}  // namespace passerelle::proxy
