// Cookies of a request, read where they stand (RFC 6265, 5.4: "name=value" pairs between
// semicolons). Nothing is decoded.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/head.hpp"

namespace passerelle::proxy {

struct CookieSearch {
  enum class State : std::uint8_t {
    absent,
    found,
    ambiguous,  ///< Twice: one of them was planted by a neighbour (CVE-2024-28233). Believe
                ///< neither.
  };
  State state = State::absent;
  std::string_view value;  ///< found: without the quotes around it, if any.
};

/// Over all Cookie lines of the head. Names are compared exactly.
CookieSearch find_cookie(const RequestHead& head, std::string_view name) noexcept;

/// One "name=value" (or what a client made of it) of a Cookie line; both trimmed.
struct Cookie {
  std::string_view name;
  std::string_view value;
};
/// Takes the first cookie off `line`; false when nothing is left.
bool next_cookie(std::string_view& line, Cookie& cookie) noexcept;

/// Whether a cookie of that name is one of ours: it begins with one of `prefixes`.
bool is_own_cookie(std::string_view name, std::span<const std::string_view> prefixes) noexcept;
/// The same for a Set-Cookie value. "=name=x" and "name" alone count too: browsers send both back
/// as "name...".
bool sets_own_cookie(std::string_view set_cookie,
                     std::span<const std::string_view> prefixes) noexcept;

}  // namespace passerelle::proxy
