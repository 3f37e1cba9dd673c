#include "auth/secret_table.hpp"

namespace passerelle::auth {

std::optional<secrets::Digest> key_from_hex(std::string_view hex) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  secrets::Digest key{};
  if (hex.size() != 2 * key.size()) return std::nullopt;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::size_t high = kDigits.find(hex[2 * i]);
    const std::size_t low = kDigits.find(hex[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    key[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return key;
}

}  // namespace passerelle::auth
