#include "tests/wire/proxy/http2_peer.hpp"

#include <algorithm>
#include <cstring>

namespace passerelle::proxy::wire {

struct Http2PeerCalls {
  static Http2Peer& self(void* user) { return *static_cast<Http2Peer*>(user); }

  static int header(nghttp2_session*,
                    const nghttp2_frame* frame,
                    const std::uint8_t* name,
                    std::size_t name_size,
                    const std::uint8_t* value,
                    std::size_t value_size,
                    std::uint8_t,
                    void* user) {
    Http2Peer::Answer& answer = self(user).answers_[frame->hd.stream_id];
    const std::string its(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (its == ":status" && text.starts_with('1'))
      answer.interim.push_back(std::stoi(text));
    else if (its == ":status")
      answer.status = std::stoi(text);
    else
      answer.fields.emplace_back(its, text);
    return 0;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Peer& peer = self(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      peer.goaway_ = true;
      peer.goaway_code_ = frame->goaway.error_code;
    }
    const bool body = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (body && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      peer.answers_[frame->hd.stream_id].ended = true;
    return 0;
  }
  static int data(nghttp2_session*,
                  std::uint8_t,
                  std::int32_t id,
                  const std::uint8_t* bytes,
                  std::size_t size,
                  void* user) {
    self(user).answers_[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    Http2Peer::Answer& answer = self(user).answers_[id];
    answer.closed = true;
    answer.error = code;
    return 0;
  }
  static ssize_t read(nghttp2_session*,
                      std::int32_t,
                      std::uint8_t* into,
                      std::size_t size,
                      std::uint32_t* flags,
                      nghttp2_data_source* source,
                      void*) {
    auto& body = *static_cast<Http2Peer::Body*>(source->ptr);
    const std::size_t count = std::min(size, body.bytes.size() - body.at);
    std::memcpy(into, body.bytes.data() + body.at, count);
    body.at += count;
    if (body.at == body.bytes.size() && body.last) *flags |= NGHTTP2_DATA_FLAG_EOF;
    body.deferred = count == 0 && !body.last;
    if (body.deferred) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(count);
  }
};

std::string Http2Peer::Answer::field(const std::string& name) const {
  for (const auto& [its, value] : fields)
    if (its == name) return value;
  return {};
}

Http2Peer::Http2Peer(std::uint16_t port, std::string server_name)
    : tls_(port, {.server_name = std::move(server_name), .alpn = "h2"}) {
  nghttp2_session_callbacks* calls = nullptr;
  nghttp2_option* option = nullptr;
  nghttp2_session_callbacks_new(&calls);
  nghttp2_session_callbacks_set_on_header_callback(calls, Http2PeerCalls::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(calls, Http2PeerCalls::frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, Http2PeerCalls::data);
  nghttp2_session_callbacks_set_on_stream_close_callback(calls, Http2PeerCalls::closed);
  nghttp2_option_new(&option);
  nghttp2_option_set_no_http_messaging(option, 1);  // so that it also says what is wrong
  nghttp2_session_client_new2(&session_, calls, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(calls);
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
}

Http2Peer::~Http2Peer() {
  nghttp2_session_del(session_);
}

std::int32_t Http2Peer::submit(const Fields& fields, Body* body) {
  std::vector<nghttp2_nv> all;
  for (const auto& [name, value] : fields)
    all.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                   reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
                   value.size(), NGHTTP2_NV_FLAG_NONE});
  nghttp2_data_provider provider{};
  provider.source.ptr = body;
  provider.read_callback = Http2PeerCalls::read;
  return nghttp2_submit_request(session_, nullptr, all.data(), all.size(),
                                body != nullptr ? &provider : nullptr, nullptr);
}

std::int32_t Http2Peer::get(const std::string& path, const Fields& more) {
  Fields fields{{":method", "GET"}, {":scheme", "https"}, {":path", path}, {":authority", "h"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return submit(fields, nullptr);
}

std::int32_t Http2Peer::post(const std::string& path,
                             std::string bytes,
                             const Fields& more,
                             bool open) {
  Fields fields{{":method", "POST"}, {":scheme", "https"}, {":path", path}, {":authority", "h"}};
  fields.insert(fields.end(), more.begin(), more.end());
  auto body = std::make_unique<Body>(Body{std::move(bytes), 0, !open, false});
  const std::int32_t id = submit(fields, body.get());
  bodies_[id] = std::move(body);
  return id;
}

std::int32_t Http2Peer::websocket(const std::string& path) {
  const Fields fields{{":method", "CONNECT"}, {":protocol", "websocket"},
                      {":scheme", "https"},   {":path", path},
                      {":authority", "h"},    {"sec-websocket-version", "13"},
                      {"origin", "https://h"}};
  auto body = std::make_unique<Body>();
  const std::int32_t id = submit(fields, body.get());
  bodies_[id] = std::move(body);
  return id;
}

void Http2Peer::send(std::int32_t id, std::string_view bytes, bool last) {
  Body& body = *bodies_.at(id);
  body.bytes.append(bytes);
  body.last = last;
  if (body.deferred) nghttp2_session_resume_data(session_, id);
}

void Http2Peer::reset(std::int32_t id) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

void Http2Peer::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void Http2Peer::raw(std::string_view frames) {
  flush();
  tls_.send(frames);
}

bool Http2Peer::flush() {
  std::string all;
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    all.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  return all.empty() || tls_.send(all);
}

bool Http2Peer::run_until(const std::function<bool()>& done) {
  while (!done()) {
    flush();
    const std::string bytes = tls_.read_some();
    if (bytes.empty()) return done();
    const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (nghttp2_session_mem_recv(session_, data, bytes.size()) < 0) return done();
  }
  return true;
}

const Http2Peer::Answer& Http2Peer::finish(std::int32_t id) {
  run_until([&] { return answers_[id].closed; });
  return answers_[id];
}

}  // namespace passerelle::proxy::wire
