// Boost's expressions rather than std::regex: they give up on a pattern that would take for ever,
// and they do not use the stack.
#include <boost/regex.hpp>

#include "base/text.hpp"
#include "spawners/kubernetes/chart/candidate.hpp"

namespace passerelle::spawners::chart {
namespace {

/// Code points, so that "." is one character. Nothing can be decoded wrongly: it was checked.
std::wstring wide(const std::string& text) {
  std::wstring made;
  made.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    unsigned more = lead < 0xC0 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    auto point = static_cast<std::uint32_t>(more == 0 ? lead : lead & (0x3FU >> more));
    for (; more > 0 && at < text.size(); --more)
      point = (point << 6U) | (static_cast<unsigned char>(text[at++]) & 0x3FU);
    made += static_cast<wchar_t>(point);
  }
  return made;
}

/// JavaScript's \uXXXX is \x{XXXX} here.
std::string translated(const std::string& pattern) {
  std::string made;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != '\\' || at + 1 == pattern.size()) {
      made += pattern[at];
      continue;
    }
    const bool hex = pattern[at + 1] == 'u' && at + 6 <= pattern.size() &&
                     pattern.find_first_not_of("0123456789abcdefABCDEF", at + 2) >= at + 6;
    made += hex ? "\\x{" + pattern.substr(at + 2, 4) + "}" : pattern.substr(at, 2);
    at += hex ? 5 : 1;
  }
  return made;
}

}  // namespace

bool matches(const std::string& pattern, const std::string& text) {
  if (!text::is_utf8(text) || !text::is_utf8(pattern)) return false;
  boost::wregex compiled;
  try {
    compiled.assign(wide(translated(pattern)), boost::regex::perl);
  } catch (const std::exception&) {
    return true;
  }
  try {
    return boost::regex_search(wide(text), compiled,
                               boost::match_single_line | boost::match_not_dot_newline);
  } catch (const std::exception&) {
    return false;  // too complex
  }
}

}  // namespace passerelle::spawners::chart
