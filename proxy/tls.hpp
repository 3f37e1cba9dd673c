// TLS as a server and as a client: certificates, versions, tickets. What is done with one
// connection is in tls_stream.hpp. OpenSSL does the work; 1.2 with forward secrecy and 1.3 only.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

using SSL = struct ssl_st;

namespace passerelle::proxy {

/// PEM files. The key may be in the certificate's file: `key` is then empty.
struct CertificateFiles {
  std::string cert;  ///< The whole chain, our own certificate first.
  std::string key;
  std::string passphrase;  ///< Empty: the key is not encrypted.
};

struct TlsServerSettings {
  /// The first one is for clients that name nobody we know; the others are chosen by their names
  /// (SNI, RFC 6066).
  std::vector<CertificateFiles> certificates;
  bool http2 = false;           ///< Offer "h2" (ALPN, RFC 7301) before "http/1.1".
  std::string ciphers;          ///< For TLS 1.2, in OpenSSL's words; empty: ECDHE with AEAD.
  int least_version = 0;        ///< OpenSSL's number; 0: TLS 1.2.
  int most_version = 0;         ///< 0: the newest.
  bool ask_client = false;      ///< Ask clients for a certificate,
  bool require_client = false;  ///< and refuse those without a good one;
  std::string client_ca;        ///< judged by these authorities.
};

/// What new connections are given; replaced whole by a reload.
class TlsContexts;
class TicketKeys;

/// Any thread.
class TlsServer {
 public:
  /// Errc::invalid names the file and what is wrong with it.
  static Result<std::shared_ptr<TlsServer>> load(TlsServerSettings settings);
  TlsServer(TlsServerSettings settings,
            std::shared_ptr<const TlsContexts> contexts,
            std::shared_ptr<TicketKeys> tickets);
  ~TlsServer();

  /// Reads the files again. Connections keep what they have and sessions can still be resumed. On
  /// an error nothing changes.
  Result<void> reload();
  /// The keys of session tickets, for a successor that clients shall resume with: `take_keys` is
  /// its part.
  std::string ticket_keys() const;
  void take_keys(std::string_view saved);
  /// When the first of the certificates ends.
  Instant expires() const;

  struct Session {
    SSL* ssl = nullptr;  ///< The caller's to free; null if there is no memory.
    std::shared_ptr<const TlsContexts> contexts;  ///< To be held as long.
  };
  Session session() const;

 private:
  std::shared_ptr<const TlsContexts> contexts() const;

  const TlsServerSettings settings_;
  const std::shared_ptr<TicketKeys> tickets_;  ///< One for all threads and all reloads.
  mutable std::mutex mutex_;  ///< Guards contexts_; held for moments, once for each connection.
  std::shared_ptr<const TlsContexts> contexts_;
};

struct TlsClientSettings {
  std::string ca;        ///< Authorities that servers are judged by; empty: the system's.
  CertificateFiles own;  ///< Shown to servers that ask (mutual TLS); empty: none.
  bool verify = true;    ///< False: any certificate will do.
};

/// Any thread.
class TlsClient {
 public:
  static Result<std::shared_ptr<const TlsClient>> load(const TlsClientSettings& settings);
  explicit TlsClient(void* context, bool verify) : context_(context), verify_(verify) {}
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// `name`: a DNS name or an address that the server's certificate must have. Null if there is no
  /// memory.
  SSL* session(const std::string& name) const;

 private:
  void* const context_;  ///< SSL_CTX
  const bool verify_;
};

}  // namespace passerelle::proxy
