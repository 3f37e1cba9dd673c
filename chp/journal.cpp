#include "chp/journal.hpp"

#include <unistd.h>

#include "chp/dates.hpp"

namespace passerelle::chp {
namespace {

// With colours, terminal or not: that is what is there to be matched.
std::string_view name_of(log::Level level) noexcept {
  switch (level) {
    case log::Level::debug:
      return "\x1b[34mdebug\x1b[39m";
    case log::Level::info:
      return "\x1b[32minfo\x1b[39m";
    case log::Level::warn:
      return "\x1b[33mwarn\x1b[39m";
    default:
      return "\x1b[31merror\x1b[39m";
  }
}

void append_printable(std::string& line, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte != 0x7f)
      line += c;
    else
      line.append("\\x").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 15U]);
  }
}

}  // namespace

void Journal::write(log::Level level, std::initializer_list<std::string_view> words) const {
  if (!tells(level)) return;
  std::string line;
  line += DateText().of(now_millis());
  line.append(" [ConfigProxy] ").append(name_of(level)).append(":");
  for (const std::string_view word : words) {
    line += ' ';
    append_printable(line, word);
  }
  line += '\n';
  // A reader that is gone or does not read is no reason to stop serving.
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return;
}

}  // namespace passerelle::chp
