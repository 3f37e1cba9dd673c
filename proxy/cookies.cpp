// Walks Cookie lines without copying them.
#include "proxy/cookies.hpp"

#include <algorithm>

#include "proxy/characters.hpp"

namespace passerelle::proxy {

bool next_cookie(std::string_view& line, Cookie& cookie) noexcept {
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(';'), line.size());
    const std::string_view pair = trimmed(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    // Without "=" it is a cookie with an empty name, says the standard of browsers; servers take it
    // for a name.
    cookie.name = trimmed(pair.substr(0, equals));
    cookie.value =
        equals == std::string_view::npos ? std::string_view() : trimmed(pair.substr(equals + 1));
    return true;
  }
  return false;
}

CookieSearch find_cookie(const RequestHead& head, std::string_view name) noexcept {
  CookieSearch search;
  if (!head.has(FieldId::cookie)) return search;
  const Fields& fields = head.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields.id(i) != FieldId::cookie) continue;
    std::string_view line = fields[i].value;
    Cookie cookie;
    while (next_cookie(line, cookie)) {
      if (cookie.name != name) continue;
      if (search.state != CookieSearch::State::absent) return {CookieSearch::State::ambiguous, {}};
      search = {CookieSearch::State::found, cookie.value};
    }
  }
  std::string_view& value = search.value;
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return search;
}

bool is_own_cookie(std::string_view name, std::span<const std::string_view> prefixes) noexcept {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

bool sets_own_cookie(std::string_view set_cookie,
                     std::span<const std::string_view> prefixes) noexcept {
  const std::size_t start = set_cookie.find_first_not_of(" \t=");
  return start != std::string_view::npos && is_own_cookie(set_cookie.substr(start), prefixes);
}

}  // namespace passerelle::proxy
