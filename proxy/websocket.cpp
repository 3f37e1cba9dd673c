// Sec-WebSocket-Key and its answer: base64(SHA-1(key + the protocol's fixed text)).
#include "proxy/websocket.hpp"

#include <array>
#include <cstring>

#include <openssl/evp.h>

namespace passerelle::proxy {

namespace {

constexpr std::string_view kFixed = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kKeySize = 24;
constexpr std::size_t kAcceptSize = 28;

bool is_base64(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

}  // namespace

bool is_valid_key(std::string_view key) noexcept {
  if (key.size() != kKeySize || !key.ends_with("==")) return false;
  for (const char c : key.substr(0, kKeySize - 2)) {
    if (!is_base64(c)) return false;
  }
  return true;
}

bool accepts_key(std::string_view accept, std::string_view key) noexcept {
  if (key.size() != kKeySize || accept.size() != kAcceptSize) return false;
  std::array<unsigned char, kKeySize + kFixed.size()> text;
  std::memcpy(text.data(), key.data(), key.size());
  std::memcpy(text.data() + key.size(), kFixed.data(), kFixed.size());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  const bool digested =
      EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1;
  std::array<unsigned char, kAcceptSize + 1> expected{};
  EVP_EncodeBlock(expected.data(), digest.data(), static_cast<int>(size));
  return digested && std::memcmp(expected.data(), accept.data(), kAcceptSize) == 0;
}

}  // namespace passerelle::proxy
