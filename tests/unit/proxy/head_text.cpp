// Small words for tests about heads.
#include "tests/unit/proxy/head_text.hpp"

#include <array>
#include <cstdio>

namespace passerelle::proxy {

std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' && !out.ends_with('\r')) out += '\r';
    out += c;
  }
  return out;
}

std::string shown(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c > ' ' && c < 0x7f) {
      out += c;
      continue;
    }
    std::array<char, 5> escape;
    std::snprintf(escape.data(), escape.size(), "\\x%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += escape.data();
  }
  return out;
}

std::string verdict(const Scan& scan) {
  if (scan.state == Scan::State::complete) return "complete";
  if (scan.state == Scan::State::incomplete) return "incomplete";
  return std::to_string(scan.status);
}

}  // namespace passerelle::proxy
