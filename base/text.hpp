// Text at the borders: escaping by context, percent-encoding, small parsing. Pure functions, any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace passerelle::text {

std::string html_escape(std::string_view raw);  ///< For text and quoted attributes.
void append_json_string(std::string& out,
                        std::string_view raw);  ///< With quotes; invalid UTF-8 becomes U+FFFD.
/// RFC 3986: everything but unreserved characters is escaped (for one path segment or query value).
std::string percent_encode(std::string_view raw);
/// Nothing for a malformed escape. `plus_is_space`: application/x-www-form-urlencoded.
std::optional<std::string> percent_decode(std::string_view encoded, bool plus_is_space = false);

using Form = std::vector<std::pair<std::string, std::string>>;  ///< In order; names may repeat.
/// application/x-www-form-urlencoded, or a query string. Nothing for a malformed escape or more
/// than 256 fields.
std::optional<Form> parse_form(std::string_view body);
/// The first field of that name, or an empty string.
std::string_view field(const Form& form, std::string_view name) noexcept;

bool is_utf8(std::string_view raw) noexcept;
std::string_view trim(std::string_view raw) noexcept;
std::string ascii_lower(std::string_view raw);
bool iequals(std::string_view a, std::string_view b) noexcept;
std::vector<std::string_view> split(std::string_view raw, char separator);

/// A `next` target that keeps the browser on our origin, or nothing: path-absolute, no authority by
/// the browser's own rules (WHATWG URL: backslash is a slash, tabs and newlines vanish), at most
/// 2000 bytes. CVE-2019-10255, CVE-2026-33709.
std::optional<std::string> safe_next(std::string_view raw);

/// The closest of `known` within edit distance 2 (3 for long words), for "did you mean"; empty if
/// none is close.
std::string_view closest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace passerelle::text
