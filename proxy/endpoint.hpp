// Endpoint: one place where a proxy listens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

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

  /// The streams of HTTP/2 connections arrive here (http2.hpp): TLS and the limits of connections
  /// are behind them.
  bool inside_tls = false;

  bool is_unix() const noexcept { return address.starts_with('/'); }
  std::string_view scheme() const noexcept { return tls || inside_tls ? "https" : "http"; }
};

}  // namespace passerelle::proxy
