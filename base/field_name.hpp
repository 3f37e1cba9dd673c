// Field names as careless programs compare them: what turns them into variables (CGI, WSGI) knows
// no difference between `X-User`, `x_user` and `X.User`. Pure functions, any thread.
#pragma once

#include <string_view>

namespace passerelle::field_name {

constexpr char folded(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

/// One variable would hold both.
constexpr bool alike(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (folded(a[i]) != folded(b[i])) return false;
  return true;
}

}  // namespace passerelle::field_name
