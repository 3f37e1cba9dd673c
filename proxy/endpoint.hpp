// Endpoint: one place where a proxy listens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace passerelle::proxy {

class TlsServer;

struct Endpoint {
  /// Numeric IPv4 or IPv6; "" for every address; or the absolute path of a Unix socket, which is
  /// made anew at the start and removed at the end.
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;          ///< 0: the kernel picks one (Proxy::port()).
  std::shared_ptr<TlsServer> tls;  ///< Null: plain HTTP.
  /// Set: speaks to nobody, but sends everyone to https:// on this port (the host stays, RFC 9110,
  /// 15.4.9); 0: does not.
  std::uint16_t https_port = 0;
  /// A process that has handed over to us brings what its clients still ask (Proxy::hand_over):
  /// each connection begins with a PROXY header and serves one request.
  bool relayed = false;
  bool secure = false;  ///< TLS has ended where the client was accepted.

  /// The streams of HTTP/2 connections arrive here (http2.hpp): TLS and the limits of connections
  /// are behind them.
  bool inside_tls = false;

  bool is_unix() const noexcept { return address.starts_with('/'); }
  std::string_view scheme() const noexcept {
    return tls || secure || inside_tls ? "https" : "http";
  }
};

/// The listening sockets of one endpoint, on their way from one process to the next.
struct ListeningSockets {
  std::string address;       ///< As configured.
  std::uint16_t wanted = 0;  ///< As configured: 0 if the kernel picked.
  std::uint16_t bound = 0;
  std::vector<int> fds;
};

}  // namespace passerelle::proxy
