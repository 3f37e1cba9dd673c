// TicketKeys: what session tickets (RFC 5077, RFC 8446) are sealed with. One ring for all threads,
// so that a browser's second connection resumes wherever it lands; turned every twelve hours, so
// that a key that leaks opens little.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"

using EVP_CIPHER_CTX = struct evp_cipher_ctx_st;
using EVP_MAC_CTX = struct evp_mac_ctx_st;

namespace passerelle::proxy {

/// Any thread.
class TicketKeys {
 public:
  static constexpr seconds kTurn{12 * 3600};

  explicit TicketKeys(Instant now = SystemClock().now());
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // For a successor, whose clients then need not begin anew. Secret.
  std::string save() const;
  void load(std::string_view saved);  ///< What save() did not write is ignored.

  /// OpenSSL's ticket callback: 1 good, 2 good but to be renewed, 0 unknown key, -1 failed.
  int apply(unsigned char* name,
            unsigned char* iv,
            EVP_CIPHER_CTX* cipher,
            EVP_MAC_CTX* mac,
            bool sealing,
            Instant now = SystemClock().now());

 private:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
  };
  void turn(Instant now);
  static Key make();

  mutable std::mutex mutex_;
  std::array<Key, 3> keys_;  ///< The first one seals; the others only open.
  Instant turned_;
};

}  // namespace passerelle::proxy
