// What the proxy asks and whom it hands over to. The proxy never learns what a user is: a Gate
// answers its one question from snapshots, and a Hub takes the requests that are not for an
// upstream.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "proxy/head.hpp"
#include "proxy/route_table.hpp"

namespace passerelle::proxy {

/// Carry the request to this route's upstream. The route is kept alive for as long as the request
/// or tunnel runs.
struct Forward {
  std::shared_ptr<const Route> route;
  /// Turns true when the right ends that this was let through by (sign-out, revocation): tunnels
  /// and streams that still run on it are cut within a second. May be null.
  std::shared_ptr<const std::atomic<bool>> right_ended;
  /// Null: the upstream alone says whose pages may show its answers in a frame. Else these sites
  /// may: ToClient::framed_by.
  std::shared_ptr<const std::string> framed_by;
  /// Goes up as Authorization, instead of what the client sent; empty: what the route sets, if it
  /// does.
  std::string authorization = {};
};

/// The hub takes the whole request and answers in its own time.
struct ToHub {
  std::size_t most_body =
      0;  ///< A longer body is answered 413 by the proxy; 0: the body is not read at all.
  std::string_view reason;  ///< Static text for the hub: why it was not forwarded ("", "sign-in",
                            ///< "forbidden", ...)
};

/// HubRequest::reason of a request whose path is none; `path` is then what came
/// (ProxySettings::bad_paths_to_hub).
inline constexpr std::string_view kBadPath = "bad-path";

using Verdict = std::variant<Forward, ToHub>;

class Gate {
 public:
  virtual ~Gate() = default;
  /// Called on a proxy thread for each request, WebSocket upgrades included; must not block or
  /// allocate when it can be helped. `peer` is the client's address after trusted_proxies were
  /// taken into account.
  virtual Verdict admit(const RequestHead& head, std::string_view peer) noexcept = 0;
};

/// A whole request, copied out of the proxy's buffers.
struct HubRequest {
  std::string method;
  std::string path;  ///< Canonical (dot segments resolved), still percent-encoded, begins with "/".
  std::string query;  ///< Without "?".
  std::vector<std::pair<std::string, std::string>>
      headers;  ///< Names in lower case, in order; Cookie lines joined.
  std::string body;
  std::string peer;         ///< Client's address, by trusted_proxies.
  std::string direct_peer;  ///< Of the connection itself: whoever speaks to us.
  std::string scheme;       ///< "http" or "https", by trusted_proxies.
  std::string host;         ///< Host header (or the forwarded one), checked for syntax.
  std::string reason;       ///< ToHub::reason
  std::string trace;        ///< 32 hexadecimal digits: the request's number in the log.
  std::string_view header(
      std::string_view lower_name) const noexcept;  ///< First of that name, or empty.
};

struct HubResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>>
      headers;  ///< Content-Length, Connection and Date are the proxy's.
  std::string body;
  bool close = false;  ///< The connection ends after it.
};

/// Where the hub puts its answer: send() once, or begin(), write()..., finish(). Any thread.
/// Dropping it without an answer is answered 500 by the proxy.
class HubReply {
 public:
  virtual ~HubReply() = default;
  virtual void send(HubResponse response) = 0;
  virtual void begin(
      HubResponse head) = 0;  ///< Streams: chunked, flushed at once (server-sent events).
  virtual bool write(std::string bytes) = 0;  ///< False once the client is gone or too far behind.
  virtual void finish() = 0;
  /// Called (on any thread, once) when the client goes away before the end.
  virtual void on_close(std::function<void()> callback) = 0;
};

class Hub {
 public:
  virtual ~Hub() = default;
  /// Called on a proxy thread; returns at once.
  virtual void handle(HubRequest request, std::shared_ptr<HubReply> reply) noexcept = 0;
};

}  // namespace passerelle::proxy
