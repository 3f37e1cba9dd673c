// The one form of a path that matching and forwarding share. Dot segments (also written %2e) are
// resolved, everything else stays byte for byte: "//", ";", "+", "~", escapes of any kind after the
// guarded part. One decoding only:
// "%252e" stays what it is.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace passerelle::proxy {

/// Checks `path` (begins with "/", no "?") and makes it canonical in place. The result is written
/// to the *end* of the span, so that it still touches what follows it (the query); it never grows.
struct CanonicalPath {
  std::size_t size = 0;      ///< Bytes at the end of the span; 0 if refused.
  std::string_view refusal;  ///< Static text; empty if the path is fine.
};

/// Refused everywhere: a backslash, bytes outside 0x21-0x7e, "#", "%" without two hex digits,
/// "%00". Refused in the first `guarded_segments` segments of the canonical path: %2f, %5c, escaped
/// control characters, and escapes that do not make UTF-8; there they could make two parties see
/// two different users.
CanonicalPath canonicalise(std::span<char> path, std::size_t guarded_segments) noexcept;

inline bool begins_with_escaped_slash(std::string_view text) noexcept {
  return text.size() >= 3 && text[0] == '%' && text[1] == '2' && (text[2] | 0x20) == 'f';
}

}  // namespace passerelle::proxy
