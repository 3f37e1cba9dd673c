#include "base/secrets.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/files.hpp"
#include "base/text.hpp"

namespace passerelle::secrets {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view data) {
  return reinterpret_cast<const unsigned char*>(data.data());
}
unsigned char* bytes(std::string& data) {
  return reinterpret_cast<unsigned char*>(data.data());
}

std::optional<std::string> open_with(const std::string& key,
                                     std::string_view sealed,
                                     std::string_view purpose) {
  const std::string_view nonce = sealed.substr(0, kNonceSize);
  std::string tag(sealed.substr(sealed.size() - kTagSize));
  const std::string_view body = sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string plain(body.size(), '\0');
  int length = 0;
  const bool good =
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce)) ==
          1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &length, bytes(purpose),
                        static_cast<int>(purpose.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes(plain), &length, bytes(body),
                        static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes(plain) + length, &length) == 1;
  if (!good) return std::nullopt;
  return plain;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string escaped;
  for (std::size_t i = 0; i < hex.size(); i += 2) escaped.append("%").append(hex.substr(i, 2));
  return text::percent_decode(escaped);
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  // Without randomness nothing here is safe; there is no sensible way to go on.
  if (RAND_bytes(bytes(out), static_cast<int>(count)) != 1)
    throw std::runtime_error("no randomness from OpenSSL");
  return out;
}

std::string random_token() {
  return to_base64url(random_bytes(32));
}
std::string random_hex(std::size_t count) {
  return to_hex(random_bytes(count));
}

std::string random_digits(std::size_t digits) {
  std::string out;
  while (out.size() < digits) {
    const auto byte = static_cast<unsigned char>(random_bytes(1)[0]);
    if (byte < 250) out += static_cast<char>('0' + byte % 10);  // 250..255 would favour 0..5
  }
  return out;
}

Digest sha256(std::string_view data) noexcept {
  Digest digest;
  SHA256(bytes(data), data.size(), digest.data());
  return digest;
}

std::string sha256_hex(std::string_view data) {
  const Digest digest = sha256(data);
  return to_hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

Digest hmac_sha256(std::string_view key, std::string_view data) noexcept {
  Digest digest;
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(data), data.size(),
       digest.data(), &length);
  return digest;
}

std::string to_hex(std::string_view raw) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : raw) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string to_base64url(std::string_view raw) {
  std::string out((raw.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(bytes(out), bytes(raw), static_cast<int>(raw.size()));
  out.resize(static_cast<std::size_t>(length));
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (!out.empty() && out.back() == '=') out.pop_back();
  return out;
}

// By words: CRYPTO_memcmp goes byte by byte, and this is asked on every request. The barrier keeps
// the compiler from leaving the loop at the first difference.
bool equal(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  std::uint64_t difference = 0;
  for (std::size_t at = 0; at < a.size(); at += sizeof difference) {
    std::uint64_t left = 0;
    std::uint64_t right = 0;
    const std::size_t size = std::min(sizeof difference, a.size() - at);
    if (size == sizeof difference) {
      std::memcpy(&left, a.data() + at, sizeof left);
      std::memcpy(&right, b.data() + at, sizeof right);
    } else {
      std::memcpy(&left, a.data() + at, size);
      std::memcpy(&right, b.data() + at, size);
    }
    difference |= left ^ right;
    asm volatile("" : "+r"(difference));
  }
  return difference == 0;
}

Sealer::Sealer(std::vector<std::string> keys) : keys_(std::move(keys)) {
  if (keys_.empty()) throw std::invalid_argument("Sealer needs a key");
  for (const std::string& key : keys_)
    if (key.size() != kKeySize) throw std::invalid_argument("Sealer: a key has 32 bytes");
}

std::string Sealer::seal(std::string_view plain, std::string_view purpose) const {
  std::string out = random_bytes(kNonceSize);
  std::string body(plain.size(), '\0');
  std::string tag(kTagSize, '\0');
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int length = 0;
  const bool good =
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(keys_[0]), bytes(out)) ==
          1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &length, bytes(purpose),
                        static_cast<int>(purpose.size())) == 1 &&
      EVP_EncryptUpdate(context.get(), bytes(body), &length, bytes(plain),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), bytes(body) + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, tag.data()) == 1;
  if (!good) throw std::runtime_error("OpenSSL could not seal");
  return out + body + tag;
}

Result<std::string> Sealer::open(std::string_view sealed, std::string_view purpose) const {
  if (sealed.size() < kNonceSize + kTagSize)
    return Error(Errc::invalid, "sealed value is too short");
  for (const std::string& key : keys_)
    if (auto plain = open_with(key, sealed, purpose)) return std::move(*plain);
  return Error(Errc::invalid, "no key opens the sealed value");
}

Result<std::vector<std::string>> load_or_make_keys(const std::string& path) {
  auto content = files::read(path);
  if (!content && content.error().code() == Errc::not_found) {
    content = random_hex(kKeySize) + "\n";
    auto written = files::write_durable(path, *content, 0600);
    if (!written) return std::move(written).error();
  }
  if (!content) return std::move(content).error();
  std::vector<std::string> keys;
  for (const std::string_view line : text::split(*content, '\n')) {
    if (text::trim(line).empty()) continue;
    auto key = from_hex(text::trim(line));
    if (!key || key->size() != kKeySize)
      return Error(Errc::invalid, path + ": a key is 64 hexadecimal digits");
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) return Error(Errc::invalid, path + ": holds no key");
  return keys;
}

std::string slow_hash(std::string_view password) {
  const std::string salt = random_bytes(16);
  std::string encoded(128, '\0');
  // RFC 9106's second recommended setting, with less memory: a class of 60 signs in within the same
  // second.
  const int rc =
      argon2id_hash_encoded(3, 1U << 14U, 1, password.data(), password.size(), salt.data(),
                            salt.size(), 32, encoded.data(), encoded.size());
  if (rc != ARGON2_OK) throw std::runtime_error(argon2_error_message(rc));
  encoded.resize(encoded.find('\0'));
  return encoded;
}

bool slow_verify(std::string_view encoded, std::string_view password) {
  const std::string terminated(encoded);
  return argon2id_verify(terminated.c_str(), password.data(), password.size()) == ARGON2_OK;
}

}  // namespace passerelle::secrets
