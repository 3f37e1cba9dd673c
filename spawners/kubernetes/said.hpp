// What a service that hands out keys says, made fit for pages and logs.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace passerelle::spawners::kubernetes {

/// Somebody else's words: one line, not long.
inline std::string said(std::string_view words) {
  constexpr std::size_t kLongest = 240;
  std::string line(words.substr(0, kLongest));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c >= 0 && (c < ' ' || c == '\x7f'); }, ' ');
  return line;
}

/// Printable ASCII without blanks, as keys and tokens are.
inline bool is_key(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

/// The service is busy, sealed or starting.
inline bool may_come_back(int status) {
  constexpr int kTooMany = 429;
  constexpr int kServerError = 500;
  return status == kTooMany || status >= kServerError;
}

}  // namespace passerelle::spawners::kubernetes
