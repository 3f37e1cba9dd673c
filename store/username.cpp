#include "store/username.hpp"

#include <array>

namespace passerelle::store {
namespace {

/// U+00C0 to U+017F in order, the letters a reader would type; "-" where there is no letter.
constexpr std::array<std::string_view, 192> kLatin = {
    "a", "a", "a",  "a",  "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",  // C0
    "d", "n", "o",  "o",  "o", "o", "o",  "-", "o", "u", "u", "u", "u", "y", "th", "ss",
    "a", "a", "a",  "a",  "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",  // E0
    "d", "n", "o",  "o",  "o", "o", "o",  "-", "o", "u", "u", "u", "u", "y", "th", "y",
    "a", "a", "a",  "a",  "a", "a", "c",  "c", "c", "c", "c", "c", "c", "c", "d",  "d",  // 100
    "d", "d", "e",  "e",  "e", "e", "e",  "e", "e", "e", "e", "e", "g", "g", "g",  "g",
    "g", "g", "g",  "g",  "h", "h", "h",  "h", "i", "i", "i", "i", "i", "i", "i",  "i",  // 120
    "i", "i", "ij", "ij", "j", "j", "k",  "k", "k", "l", "l", "l", "l", "l", "l",  "l",
    "l", "l", "l",  "n",  "n", "n", "n",  "n", "n", "n", "n", "n", "o", "o", "o",  "o",  // 140
    "o", "o", "oe", "oe", "r", "r", "r",  "r", "r", "r", "s", "s", "s", "s", "s",  "s",
    "s", "s", "t",  "t",  "t", "t", "t",  "t", "u", "u", "u", "u", "u", "u", "u",  "u",  // 160
    "u", "u", "u",  "u",  "w", "w", "y",  "y", "y", "z", "z", "z", "z", "z", "z",  "s"};

bool is_mark(char c) {
  return c == '.' || c == '_' || c == '-';
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// The Latin letters of a two-byte UTF-8 sequence at `at`, or nothing.
std::string_view latin_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0xC3 || lead > 0xC5 || at + 1 >= text.size()) return {};
  const auto next = static_cast<unsigned char>(text[at + 1]);
  if ((next & 0xC0U) != 0x80U) return {};
  const std::size_t code = ((lead & 0x1FU) << 6U) | (next & 0x3FU);
  return code >= 0xC0 && code - 0xC0 < kLatin.size() ? kLatin[code - 0xC0] : std::string_view();
}

/// Marks cannot begin a name, and a replacement does not follow another one.
void append(std::string& name, std::string_view piece, bool replaces) {
  for (const char c : piece) {
    if (is_mark(c) && (name.empty() || (replaces && name.back() == '-'))) continue;
    name.push_back(c);
  }
}

void trim_marks(std::string& name) {
  while (!name.empty() && is_mark(name.back())) name.pop_back();
}

}  // namespace

std::string clean_username(std::string_view wanted) {
  std::string name;
  for (std::size_t i = 0; i < wanted.size() && name.size() < kLongestUsername; ++i) {
    const char c = wanted[i];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (is_plain(lower) || is_mark(lower)) {
      append(name, std::string_view(&lower, 1), false);
    } else if (const std::string_view latin = latin_at(wanted, i); !latin.empty()) {
      append(name, latin, true);
      ++i;
    } else {
      append(name, "-", true);
    }
  }
  if (name.size() > kLongestUsername) name.resize(kLongestUsername);
  trim_marks(name);
  return name.empty() ? "user" : name;
}

std::string numbered_username(const std::string& cleaned, std::int64_t number) {
  if (number <= 1) return cleaned;
  const std::string suffix = "-" + std::to_string(number);
  std::string name = cleaned.substr(0, kLongestUsername - suffix.size());
  trim_marks(name);
  return name + suffix;
}

}  // namespace passerelle::store
