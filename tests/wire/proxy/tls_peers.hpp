// TLS for tests of the wire: certificates made on the spot, and a client that speaks through
// OpenSSL.
#pragma once

#include <string>
#include <vector>

#include "proxy/tls.hpp"
#include "tests/wire/proxy/peers.hpp"

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;
using SSL_SESSION = struct ssl_session_st;

namespace passerelle::proxy::wire {

/// A directory that goes with its owner.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Writes NAME.crt and NAME.key (P-256, signed by itself) for these DNS names; an entry that begins
/// with a digit is an IPv4 address.
CertificateFiles make_certificate(const Folder& folder,
                                  const std::string& name,
                                  const std::vector<std::string>& names);

class TlsPeer {
 public:
  struct Wish {
    std::string server_name = {};    ///< SNI; empty: none.
    std::string alpn = {};           ///< One protocol, or none.
    int version = 0;                 ///< OpenSSL's number, exactly that; 0: any.
    SSL_SESSION* session = nullptr;  ///< To be resumed.
    CertificateFiles own = {};
    std::string_view before = {};  ///< Sent as it is, before the handshake.
  };
  TlsPeer(std::uint16_t port, const Wish& wish);
  explicit TlsPeer(std::uint16_t port) : TlsPeer(port, Wish{}) {}
  ~TlsPeer();
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  bool good() const { return good_; }  ///< The handshake succeeded.
  bool send(std::string_view bytes);
  std::string read_until(std::string_view end);
  std::string read_some();                   ///< What comes first; empty at the end.
  std::string read_all();                    ///< Until close_notify or the end.
  bool orderly() const { return orderly_; }  ///< The end was a close_notify.
  void half_close();
  bool resumed() const;
  std::string alpn() const;
  std::string common_name() const;  ///< Of the certificate that the server showed.
  SSL_SESSION* session() const;     ///< The caller's to free; after something was read (TLS 1.3).

 private:
  bool fill();
  Peer peer_;
  SSL_CTX* context_;
  SSL* ssl_;
  bool good_ = false;
  bool orderly_ = false;
  std::string buffer_;
};

}  // namespace passerelle::proxy::wire
