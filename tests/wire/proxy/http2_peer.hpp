// A client that speaks HTTP/2 through nghttp2, and says on request what no browser would say.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "tests/wire/proxy/tls_peers.hpp"

namespace passerelle::proxy::wire {

class Http2Peer {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  struct Answer {
    int status = 0;
    std::vector<int> interim;
    Fields fields;  ///< Trailers too.
    std::string body;
    bool ended = false;   ///< END_STREAM came.
    bool closed = false;  ///< Ended, or reset:
    std::uint32_t error = 0;
    std::string field(const std::string& name) const;
  };

  explicit Http2Peer(std::uint16_t port, std::string server_name = {});
  ~Http2Peer();
  Http2Peer(const Http2Peer&) = delete;
  Http2Peer& operator=(const Http2Peer&) = delete;

  std::int32_t get(const std::string& path, const Fields& more = {});
  /// `open`: more of the body follows by send().
  std::int32_t post(const std::string& path,
                    std::string body,
                    const Fields& more = {},
                    bool open = false);
  std::int32_t request(const Fields& fields) { return submit(fields, nullptr); }
  /// Extended CONNECT (RFC 8441).
  std::int32_t websocket(const std::string& path);
  void send(std::int32_t id, std::string_view bytes, bool last = false);
  void reset(std::int32_t id);
  void raw(std::string_view frames);  ///< As they are.
  void ping();

  bool run_until(const std::function<bool()>& done);  ///< False when the connection ended first.
  const Answer& finish(std::int32_t id);
  Answer& answer(std::int32_t id) { return answers_[id]; }
  bool flush();
  bool gone_away() const { return goaway_; }
  std::uint32_t goaway_code() const { return goaway_code_; }
  nghttp2_session* session() const { return session_; }

 private:
  friend struct Http2PeerCalls;
  struct Body {
    std::string bytes;
    std::size_t at = 0;
    bool last = false;
    bool deferred = false;
  };
  std::int32_t submit(const Fields& fields, Body* body);

  TlsPeer tls_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Answer> answers_;
  std::map<std::int32_t, std::unique_ptr<Body>> bodies_;
  bool goaway_ = false;
  std::uint32_t goaway_code_ = 0;
};

}  // namespace passerelle::proxy::wire
