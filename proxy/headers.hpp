// Builds the head that goes upstream and the one that goes to the client: what may cross is copied,
// the rest is ours. Pure functions into the caller's buffer. Body framing is decided by the caller
// (Reframe), upgrades too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/upstream.hpp"
#include "proxy/head.hpp"
#include "proxy/trusted.hpp"

namespace passerelle::proxy {

/// Set by us, replacing what the client sent under that name. Never Host or a framing field.
using SetHeaders = std::span<const std::pair<std::string, std::string>>;

struct ToUpstream {
  Client client;
  SetHeaders set;
  std::span<const std::string_view>
      own_cookies;  ///< Name prefixes: "passerelle-", "__Host-passerelle-".
  /// We answered (or will answer) Expect: 100-continue ourselves; otherwise the field is passed on.
  bool drop_expect = false;
  std::string_view via = {};  ///< RequestRules::via_line(): stands behind those that came.
  std::span<const std::string> stripped = {};  ///< Field names that are dropped, in all spellings.
  std::string_view authorization = {};         ///< Forward::authorization
};

/// The request head for the upstream, HTTP/1.1, ending in the empty line. 0 if `out` is too small;
/// kMostHead plus the set headers plus 1 KiB always suffice.
/// - hop-by-hop fields and those that Connection names go, but never Host, Cookie and those we add
/// (CVE-2025-48865);
/// - fields that are alike one of `stripped` go (CVE-2025-64484);
/// - our cookies and Authorization go; Cookie lines become one;
/// - Forwarded, X-Forwarded-*, X-Real-IP, X-Scheme go; X-Forwarded-For/-Proto/-Host/-Port are made
/// anew from `client`;
/// - Content-Length or "Transfer-Encoding: chunked" as the client framed its body; Trailer never,
/// TE as "trailers" or not at all;
/// - Max-Forwards of an OPTIONS loses one (RFC 9110, 7.6.2); it was checked before;
/// - a WebSocket upgrade gets "Connection: Upgrade", "Upgrade: websocket"; no other upgrade passes.
std::size_t build_upstream_head(const RequestHead& head,
                                const ToUpstream& wish,
                                std::span<char> out) noexcept;

enum class Reframe : std::uint8_t {
  keep,         ///< Content-Length as it came, if it came (also for HEAD and 304).
  chunked,      ///< "Transfer-Encoding: chunked".
  until_close,  ///< Neither; the connection closes at the end.
};

struct ToClient {
  Reframe reframe = Reframe::keep;
  bool keep_alive = true;
  int client_minor = 1;   ///< An HTTP/1.0 client that may stay must be told so.
  std::string_view date;  ///< Used if the upstream sent none.
  std::span<const std::string_view> own_cookies;  ///< An upstream cannot set these.
  /// When all are given, a Location that names the upstream names us instead.
  const Upstream* upstream = nullptr;
  std::string_view scheme = {}, host = {};
  /// For routes with a policy: what acts on the origin passes too, and HTTP/1.1 is told of
  /// keep-alive.
  bool by_policy = false;
  std::string_view location = {};  ///< In place of the upstream's, unless empty.
  /// Sites whose pages may show the answer in a frame, as CSP writes them ("'self' https://a"), in
  /// place of what the upstream says of frames; its cookies then work in there (SameSite=None,
  /// Partitioned: over https only). Empty: what the upstream says passes. At most 4 KiB.
  std::string_view framed_by = {};
};

/// The response head for the client, ending in the empty line; also for 1xx (which get no Date, no
/// Connection) and 101. 0 if `out` is too small: kMostHead plus 1 KiB always suffice, with
/// `framed_by` 12 KiB. Fields that
/// act on the whole origin do not pass from a server that shares it: Clear-Site-Data,
/// Service-Worker-Allowed, Strict-Transport-Security, Alt-Svc, NEL, Report-To, and the Domain of a
/// Set-Cookie, which would send the cookie to our neighbours.
std::size_t build_client_head(const ResponseHead& head,
                              const ToClient& wish,
                              std::span<char> out) noexcept;

/// What a complete response from `head` becomes for a client of that version, by RFC 9112, 6.3
/// and 7.1.
Reframe reframe_for(const ResponseHead& head, int client_minor) noexcept;

}  // namespace passerelle::proxy
