// TlsStream: the TLS of one connection, between a Socket's callers and its descriptor. Holds no
// buffers while nothing is under way.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include <sys/uio.h>

#include "proxy/socket.hpp"

using SSL = struct ssl_st;

namespace passerelle::proxy {

class TlsStream {
 public:
  /// Takes `ssl` over; `held` lives as long. Server or client is decided in `ssl` already.
  TlsStream(Socket& socket, SSL* ssl, std::shared_ptr<const void> held) noexcept;
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// ok: done. again: wait for handshake_interest(). failed: trouble() says why.
  Io handshake() noexcept;
  int handshake_interest() const noexcept { return interest_; }
  const char* trouble() const noexcept { return trouble_; }
  bool met_plain_http() const noexcept { return plain_http_; }
  bool resumed() const noexcept;
  bool http2() const noexcept;                    ///< What ALPN came to.
  std::string_view server_name() const noexcept;  ///< What the client asked for (SNI), or empty.

  // As Socket's.
  Io read(std::span<char> into) noexcept;
  Io write(std::span<iovec> parts) noexcept;
  Io peek() noexcept;           ///< One byte, left where it is.
  void say_goodbye() noexcept;  ///< close_notify, if it can be sent at once.

 private:
  Io ended(int result) noexcept;
  void note_pending() noexcept;

  Socket& socket_;
  SSL* const ssl_;
  const std::shared_ptr<const void> held_;
  const char* trouble_ = "";
  int interest_ = kToRead;
  bool ready_ = false;  ///< The handshake is done and nothing has failed.
  bool over_ = false;   ///< The peer said its last byte.
  bool plain_http_ = false;
};

}  // namespace passerelle::proxy
