// Random secrets, digests, constant-time comparison, sealing, slow password hashes. OpenSSL and
// libargon2 underneath. Any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace passerelle::secrets {

using Digest = std::array<unsigned char, 32>;

std::string random_bytes(std::size_t count);
/// 256 random bits as 43 characters of base64url: session ids, API tokens, server secrets.
std::string random_token();
/// `digits` random decimal digits, evenly distributed: PINs.
std::string random_digits(std::size_t digits);
/// `bytes` random bytes in lower-case hex: ids that are not secret (launches, errors).
std::string random_hex(std::size_t bytes);

Digest sha256(std::string_view data) noexcept;
std::string sha256_hex(std::string_view data);
Digest hmac_sha256(std::string_view key, std::string_view data) noexcept;
std::string to_hex(std::string_view bytes);
std::string to_base64url(std::string_view bytes);

/// Takes the same time wherever the two differ; the lengths may leak.
bool equal(std::string_view a, std::string_view b) noexcept;

/// Seals what must be read back (server secrets, refresh tokens) with AES-256-GCM. The first key
/// seals, all keys open, so that a key can be replaced without losing anything.
class Sealer {
 public:
  /// Each key is 32 bytes; at least one.
  explicit Sealer(std::vector<std::string> keys);
  /// `purpose` is authenticated, not stored: what was sealed as a server secret cannot be opened as
  /// something else.
  std::string seal(std::string_view plain, std::string_view purpose) const;
  Result<std::string> open(std::string_view sealed, std::string_view purpose) const;

 private:
  std::vector<std::string> keys_;
};

/// Reads the key file (one key a line, hex), or makes it, mode 0600, with one new key.
Result<std::vector<std::string>> load_or_make_keys(const std::string& path);

/// Argon2id for what people can remember (PINs, passwords); takes some 20 ms: run it on a
/// WorkerPool.
std::string slow_hash(std::string_view password);
bool slow_verify(std::string_view encoded, std::string_view password);

}  // namespace passerelle::secrets
