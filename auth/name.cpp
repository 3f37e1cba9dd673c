#include "auth/name.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace passerelle::auth {
namespace {

struct Range {
  char32_t first, last;
};

// Unicode's controls, format characters and separators below the private planes, and the unassigned
// ends of planes.
constexpr std::array kUnprintable = {
    Range{0x0000, 0x001F},   Range{0x007F, 0x009F},   Range{0x00AD, 0x00AD},
    Range{0x034F, 0x034F},   Range{0x061C, 0x061C},   Range{0x115F, 0x1160},
    Range{0x17B4, 0x17B5},   Range{0x180B, 0x180F},   Range{0x200B, 0x200F},
    Range{0x2028, 0x202E},   Range{0x2060, 0x206F},   Range{0x2800, 0x2800},
    Range{0x3164, 0x3164},   Range{0xE000, 0xF8FF},   Range{0xFE00, 0xFE0F},
    Range{0xFEFF, 0xFEFF},   Range{0xFFA0, 0xFFA0},   Range{0xFFF0, 0xFFFF},
    Range{0x1BCA0, 0x1BCA3}, Range{0x1D173, 0x1D17A}, Range{0xE0000, 0x10FFFF}};

bool is_space(char32_t c) {
  return c == ' ' || c == '\t' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

// The character at `at` of valid UTF-8; `length` is set to its bytes.
char32_t decode(std::string_view text, std::size_t at, std::size_t& length) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length == 1) return first;
  char32_t c = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (byte(at + i) & 0x3FU);
  return c;
}

}  // namespace

Result<Name> normalise_name(std::string_view typed) {
  if (typed.size() > kLongestName) return Error(Errc::invalid, "the name is longer than 64 bytes");
  if (!text::is_utf8(typed)) return Error(Errc::invalid, "the name is not UTF-8");
  Name name;
  bool space = false;
  std::size_t length = 0;
  for (std::size_t i = 0; i < typed.size(); i += length) {
    const char32_t c = decode(typed, i, length);
    if (is_space(c)) {
      space = !name.display.empty();
      continue;
    }
    const auto covers = [c](const Range& range) { return c >= range.first && c <= range.last; };
    if (std::any_of(kUnprintable.begin(), kUnprintable.end(), covers))
      return Error(Errc::invalid, "the name holds a character that does not print");
    if (space) name.display += ' ';
    space = false;
    name.display.append(typed, i, length);
  }
  if (name.display.empty()) return Error(Errc::invalid, "the name is empty");
  name.key = text::ascii_lower(name.display);
  return name;
}

bool is_subject(std::string_view given) noexcept {
  constexpr std::size_t kLongestSubject = 256;
  return !given.empty() && given.size() <= kLongestSubject && text::is_utf8(given) &&
         std::none_of(given.begin(), given.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7f;
         });
}

std::string cut_name(std::string_view typed) {
  if (typed.size() <= kLongestName) return std::string(typed);
  std::size_t end = kLongestName;
  while (end > 0 && (static_cast<unsigned char>(typed[end]) & 0xC0) == 0x80) --end;
  return std::string(typed.substr(0, end));
}

}  // namespace passerelle::auth
