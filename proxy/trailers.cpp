#include "proxy/trailers.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "proxy/field_names.hpp"

namespace passerelle::proxy {

namespace {

/// Besides the names that have a FieldId.
constexpr std::string_view kForbidden[] = {"accept-ranges",
                                           "access-control-allow-credentials",
                                           "access-control-allow-origin",
                                           "age",
                                           "cache-control",
                                           "etag",
                                           "expires",
                                           "if-match",
                                           "if-modified-since",
                                           "if-none-match",
                                           "if-range",
                                           "if-unmodified-since",
                                           "last-modified",
                                           "link",
                                           "pragma",
                                           "range",
                                           "refresh",
                                           "retry-after",
                                           "set-cookie2",
                                           "upgrade-insecure-requests",
                                           "vary",
                                           "warning",
                                           "www-authenticate"};

bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool may_pass(std::string_view name) {
  const std::string lower = text::ascii_lower(name);
  if (!std::ranges::all_of(lower, is_plain)) return false;
  if (identify_field(lower) != FieldId::other) return false;
  if (lower.starts_with("content-") || lower.starts_with("proxy-") || lower.starts_with("sec-"))
    return false;
  return std::ranges::find(kForbidden, lower) == std::end(kForbidden);
}

}  // namespace

std::string clean_trailers(std::string_view lines) {
  std::string clean;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (!may_pass(name)) continue;
    clean.append(name).append(": ").append(text::trim(line.substr(colon + 1))).append("\r\n");
  }
  return clean;
}

}  // namespace passerelle::proxy
