#include "proxy/http2_callbacks.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/text.hpp"
#include "proxy/http2_session.hpp"
#include "proxy/trailers.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::size_t kMostAcks = 100;     // of SETTINGS and PING that wait to be sent
constexpr std::size_t kMostSettings = 32;  // entries in one frame

Http2Session& session_of(void* user) noexcept {
  return *static_cast<Http2Session*>(user);
}

std::string_view view(const std::uint8_t* bytes, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// No exception may cross C.
template <class Call>
int guarded(Call call) noexcept {
  try {
    return call();
  } catch (const std::exception& error) {
    log::error("proxy", "an HTTP/2 connection ended by an exception", {{"what", error.what()}});
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
}

int frame_begins(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
  return guarded([&] { return session_of(user).on_frame_begins(*head); });
}

int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  return guarded([&] { return session_of(user).on_begin(*frame); });
}

int header(nghttp2_session*,
           const nghttp2_frame* frame,
           const std::uint8_t* name,
           std::size_t name_size,
           const std::uint8_t* value,
           std::size_t value_size,
           std::uint8_t,
           void* user) {
  return guarded([&] {
    return session_of(user).on_field(*frame, view(name, name_size), view(value, value_size));
  });
}

/// Left alone, nghttp2 would only leave the field out.
int invalid_header(nghttp2_session*,
                   const nghttp2_frame*,
                   const std::uint8_t*,
                   std::size_t,
                   const std::uint8_t*,
                   std::size_t,
                   std::uint8_t,
                   void*) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  return guarded([&] { return session_of(user).on_frame(*frame); });
}

int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  return guarded([&] { return session_of(user).on_sent(*frame); });
}

int data_chunk(nghttp2_session*,
               std::uint8_t,
               std::int32_t id,
               const std::uint8_t* bytes,
               std::size_t size,
               void* user) {
  return guarded([&] { return session_of(user).on_data(id, view(bytes, size)); });
}

int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
  return guarded([&] { return session_of(user).on_closed(id); });
}

ssize_t read_body(nghttp2_session*,
                  std::int32_t id,
                  std::uint8_t* into,
                  std::size_t size,
                  std::uint32_t* flags,
                  nghttp2_data_source*,
                  void* user) {
  try {
    return session_of(user).give_body(id, {reinterpret_cast<char*>(into), size}, *flags);
  } catch (const std::exception&) {
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
}

nghttp2_nv field(std::string_view name, std::string_view value) noexcept {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

bool stays_behind(std::string_view name) noexcept {
  constexpr std::string_view kThose[] = {"connection",        "keep-alive", "proxy-connection",
                                         "transfer-encoding", "upgrade",    "sec-websocket-accept"};
  return std::ranges::find(kThose, name) != std::end(kThose);
}

}  // namespace

nghttp2_session* new_http2_session(Http2Session& owner) {
  nghttp2_session_callbacks* calls = nullptr;
  nghttp2_option* option = nullptr;
  if (nghttp2_session_callbacks_new(&calls) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_frame_callback(calls, frame_begins);
  nghttp2_session_callbacks_set_on_begin_headers_callback(calls, begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(calls, header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(calls, invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(calls, frame_received);
  nghttp2_session_callbacks_set_on_frame_send_callback(calls, frame_sent);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(calls, stream_closed);
  nghttp2_session* session = nullptr;
  if (nghttp2_option_new(&option) == 0) {
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_outbound_ack(option, kMostAcks);
    nghttp2_option_set_max_settings(option, kMostSettings);
    nghttp2_session_server_new2(&session, calls, &owner, option);
    nghttp2_option_del(option);
  }
  nghttp2_session_callbacks_del(calls);
  if (session == nullptr) throw std::bad_alloc();
  return session;
}

void submit_http2_head(nghttp2_session* session,
                       std::int32_t id,
                       const ResponseHead& head,
                       int status,
                       Http2Body body) {
  const Fields& fields = head.fields();
  const std::string number = std::to_string(status);
  std::vector<std::string> names(fields.size());
  std::vector<nghttp2_nv> all{field(":status", number)};
  for (std::size_t at = 0; at < fields.size(); ++at) {
    names[at] = text::ascii_lower(fields[at].name);
    if (!stays_behind(names[at])) all.push_back(field(names[at], fields[at].value));
  }
  if (body == Http2Body::interim) {
    nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id, nullptr, all.data(), all.size(),
                           nullptr);
    return;
  }
  nghttp2_data_provider provider{};
  provider.read_callback = read_body;
  nghttp2_submit_response(session, id, all.data(), all.size(),
                          body == Http2Body::follows ? &provider : nullptr);
}

void submit_http2_status(nghttp2_session* session, std::int32_t id, int status) {
  const std::string number = std::to_string(status);
  const nghttp2_nv line = field(":status", number);
  nghttp2_submit_response(session, id, &line, 1, nullptr);
}

bool submit_http2_trailers(nghttp2_session* session, std::int32_t id, std::string_view lines) {
  const std::string clean = clean_trailers(lines);
  std::vector<std::string> names;
  std::vector<std::string_view> values;
  for (std::string_view rest = clean; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    names.push_back(text::ascii_lower(line.substr(0, line.find(':'))));
    values.push_back(line.substr(line.find(':') + 2));
  }
  std::vector<nghttp2_nv> all;
  for (std::size_t at = 0; at < names.size(); ++at) all.push_back(field(names[at], values[at]));
  if (all.empty()) return false;
  return nghttp2_submit_trailer(session, id, all.data(), all.size()) == 0;
}

}  // namespace passerelle::proxy
