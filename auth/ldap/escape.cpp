#include "auth/ldap/escape.hpp"

#include "base/text.hpp"

namespace passerelle::auth::ldap {
namespace {

constexpr std::string_view kUsername = "{username}";

void append_hex(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += '\\';
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 0x0FU];
}

}  // namespace

std::string escape_filter(std::string_view value) {
  if (!text::is_utf8(value)) return escape_bytes(value);
  std::string out;
  for (const char c : value) {
    if (c == '*' || c == '(' || c == ')' || c == '\\' || c == '\0') {
      append_hex(out, c);
    } else {
      out += c;
    }
  }
  return out;
}

std::string escape_bytes(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_hex(out, c);
  return out;
}

std::string escape_dn(std::string_view value) {
  constexpr std::string_view kSpecial = ",+\"\\<>;=";
  const bool plain = text::is_utf8(value);
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool edge = (c == ' ' && (i == 0 || i + 1 == value.size())) || (c == '#' && i == 0);
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (control || (!plain && static_cast<unsigned char>(c) >= 0x80)) {
      append_hex(out, c);
    } else {
      if (edge || kSpecial.find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string fill_in(std::string_view pattern, std::string_view username, Into into) {
  const std::string value = into == Into::filter ? escape_filter(username)
                            : into == Into::dn   ? escape_dn(username)
                                                 : std::string(username);
  std::string out;
  for (;;) {
    const std::size_t at = pattern.find(kUsername);
    out.append(pattern.substr(0, at));
    if (at == std::string_view::npos) return out;
    out.append(value);
    pattern.remove_prefix(at + kUsername.size());
  }
}

}  // namespace passerelle::auth::ldap
