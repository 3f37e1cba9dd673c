// Between nghttp2, which is C, and Http2Session: callbacks, and heads as it wants them.
#pragma once

#include <cstdint>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "proxy/head.hpp"

namespace passerelle::proxy {

class Http2Session;

/// Its callbacks go to `owner`; the caller's to delete. Throws std::bad_alloc.
nghttp2_session* new_http2_session(Http2Session& owner);

enum class Http2Body : std::uint8_t {
  none,
  follows,  ///< Http2Session::give_body() has it.
  interim,  ///< A 1xx: another head follows.
};

/// The fields that may stand in HTTP/2 (RFC 9113, 8.2), with `status`.
void submit_http2_head(nghttp2_session* session,
                       std::int32_t id,
                       const ResponseHead& head,
                       int status,
                       Http2Body body);
void submit_http2_status(nghttp2_session* session, std::int32_t id, int status);
/// `lines`: "name: value" CR LF each. False if none may pass.
bool submit_http2_trailers(nghttp2_session* session, std::int32_t id, std::string_view lines);

}  // namespace passerelle::proxy
