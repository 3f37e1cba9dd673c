// The half of Http2Session that knows requests and answers; frames on the wire, turns and time are
// in http2_session.cpp.
#include "proxy/answer.hpp"
#include "proxy/client_tls.hpp"
#include "proxy/http2_callbacks.hpp"
#include "proxy/http2_session.hpp"

namespace passerelle::proxy {

// --- requests

/// A stream that the client left out can not be opened any more (RFC 9113, 5.1.1). nghttp2 lets it
/// pass, because it might be one that was reset; the latest gap is remembered here.
int Http2Session::on_frame_begins(const nghttp2_frame_hd& head) {
  if (head.type != NGHTTP2_HEADERS || head.stream_id % 2 == 0) return 0;
  if (head.stream_id >= skipped_first_ && head.stream_id <= skipped_last_)
    nghttp2_session_terminate_session(session_, NGHTTP2_PROTOCOL_ERROR);
  if (head.stream_id <= last_begun_) return 0;
  if (head.stream_id - last_begun_ > 2) {
    skipped_first_ = last_begun_ + 2;
    skipped_last_ = head.stream_id - 2;
  }
  last_begun_ = head.stream_id;
  return 0;
}

int Http2Session::on_begin(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS || frame.headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  const std::int32_t id = frame.hd.stream_id;
  streams_.emplace(id, std::make_unique<Http2Stream>(*lane_.loop, id, *this));
  return 0;
}

int Http2Session::on_field(const nghttp2_frame& frame,
                           std::string_view name,
                           std::string_view value) {
  Http2Stream* const stream = find(frame.hd.stream_id);
  if (stream == nullptr || stream->malformed) return 0;
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    stream->malformed = !stream->request.add(name, value);
  }  // trailers of requests stay behind, as those of HTTP/1.1
  if (stream->malformed) reset(stream->id, NGHTTP2_PROTOCOL_ERROR);
  return 0;
}

int Http2Session::on_frame(const nghttp2_frame& frame) {
  const Millis now = lane_.loop->now();
  const bool ended = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  Http2Stream* const stream = find(frame.hd.stream_id);
  switch (frame.hd.type) {
    case NGHTTP2_RST_STREAM:
      if (floods_.reset(now)) calm();
      break;
    case NGHTTP2_HEADERS:
      if (stream != nullptr && frame.headers.cat == NGHTTP2_HCAT_REQUEST)
        begin_request(*stream, ended);
      else if (stream != nullptr && ended)
        end_request(*stream);
      break;
    case NGHTTP2_DATA:
      if (stream != nullptr && ended) end_request(*stream);
      if (!ended && frame.hd.length == frame.data.padlen && floods_.control(now)) calm();
      break;
    case NGHTTP2_WINDOW_UPDATE:
      if (floods_.window_update(now)) calm();
      break;
    default:
      if (floods_.control(now)) calm();
  }
  return 0;
}

void Http2Session::begin_request(Http2Stream& stream, bool ended) {
  if (stream.malformed) return;
  int verdict = stream.request.verdict();
  if (verdict == 0 && misdirected(lane_, connection_, stream.request.host())) verdict = 421;
  if (verdict < 0) return reset(stream.id, NGHTTP2_PROTOCOL_ERROR);
  if (verdict > 0) return refuse(stream, verdict);
  if (!stream.open()) return reset(stream.id, NGHTTP2_REFUSED_STREAM);
  std::string key(TraceText(lane_.traces.next()).view().substr(0, 21));
  key += "A==";  // sixteen bytes in base64
  const bool has_body = !ended && !stream.request.websocket();
  const std::string head = stream.request.http1_head(has_body, key);
  stream.begin(head, has_body && !stream.request.has_length());
  if (ended && stream.request.websocket()) stream.end();
  begun_.push_back(stream.id);
}

void Http2Session::end_request(Http2Stream& stream) {
  if (stream.opened()) consume(stream, stream.end());
}

void Http2Session::refuse(Http2Stream& stream, int status) {
  lane_.counts.answers.add(status);
  note_refused(stream, status, reason_phrase(status));
  stream.answered = true;
  submit_http2_status(session_, stream.id, status);
}

/// What no server is asked about: all other requests are written down at the far end.
void Http2Session::note_refused(const Http2Stream& stream, int status, std::string_view why) {
  lane_.counts.refused_heads.add();
  AccessEntry entry;
  entry.method = stream.request.method();
  entry.path = stream.request.path();
  entry.peer = connection_.peer;
  entry.status = status;
  entry.end = why;
  entry.trace = lane_.traces.next();
  lane_.log.add(entry);
}

int Http2Session::on_data(std::int32_t id, std::string_view data) {
  Http2Stream* const stream = find(id);
  brought_ += data.size();
  if (stream == nullptr || !stream->opened())
    nghttp2_session_consume(session_, id, data.size());
  else
    consume(*stream, stream->push(data));
  return 0;
}

int Http2Session::on_closed(std::int32_t id) {
  if (const Http2Stream* const stream = find(id); stream != nullptr)
    nghttp2_session_consume_connection(session_, stream->unconsumed());
  streams_.erase(id);
  if (streams_.empty()) idle_since_ = lane_.loop->now();
  return 0;
}

// --- answers

void Http2Session::advance(Http2Stream& stream) {
  consume(stream, stream.flush());
  if (!stream.answered) take_heads(stream);
  if (std::exchange(stream.deferred, false)) nghttp2_session_resume_data(session_, stream.id);
}

void Http2Session::take_heads(Http2Stream& stream) {
  while (!stream.answered) {
    const Http2Stream::Got got = stream.read_head(lane_.read_room, lane_.response_head);
    if (got == Http2Stream::Got::wait) return;
    if (got != Http2Stream::Got::some) {
      stream.answered = true;
      return reset(stream.id, NGHTTP2_INTERNAL_ERROR);
    }
    submit_head(stream);
  }
}

void Http2Session::submit_head(Http2Stream& stream) {
  const ResponseHead& head = lane_.response_head;
  if (head.interim()) {
    submit_http2_head(session_, stream.id, head, head.status(), Http2Body::interim);
    return;
  }
  stream.answered = true;
  // To CONNECT, any 2xx would mean that the tunnel stands.
  const bool success = head.status() >= 200 && head.status() < 300;
  if (stream.request.websocket() && success) return submit_http2_status(session_, stream.id, 502);
  stream.expect_body(head);
  const int status = stream.tunnel ? 200 : head.status();
  const Http2Body body = stream.finished() ? Http2Body::none : Http2Body::follows;
  submit_http2_head(session_, stream.id, head, status, body);
}

ssize_t Http2Session::give_body(std::int32_t id, std::span<char> into, std::uint32_t& flags) {
  Http2Stream* const stream = find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  std::size_t count = 0;
  const Http2Stream::Got got = stream->read_body(into, count);
  if (got == Http2Stream::Got::broken) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (got == Http2Stream::Got::wait) {
    stream->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  stream->taken += count;
  taken_ += count;
  if (stream->finished()) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (submit_http2_trailers(session_, id, stream->trailers()))
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  }
  return static_cast<ssize_t>(count);
}

int Http2Session::on_sent(const nghttp2_frame& frame) {
  const std::int32_t id = frame.hd.stream_id;
  const Http2Stream* const stream = find(id);
  if (frame.hd.type == NGHTTP2_RST_STREAM && frame.rst_stream.error_code != NGHTTP2_NO_ERROR) {
    if (stream != nullptr && !stream->opened() && !stream->answered)
      note_refused(*stream, 0, nghttp2_http2_strerror(frame.rst_stream.error_code));
    // A client that makes us reset is as expensive as one that resets.
    if (floods_.reset(lane_.loop->now())) calm();
    return 0;
  }
  if (frame.hd.type == NGHTTP2_DATA) floods_.data_sent(frame.hd.length);
  const bool body = frame.hd.type == NGHTTP2_DATA || frame.hd.type == NGHTTP2_HEADERS;
  if (!body || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  const bool open = nghttp2_session_get_stream_remote_close(session_, id) == 0;
  // The answer is complete: the rest of the request is not needed (RFC 9113, 8.1).
  if (open && stream != nullptr && !stream->tunnel) reset(id, NGHTTP2_NO_ERROR);
  return 0;
}

}  // namespace passerelle::proxy
