// Dates as JavaScript writes and reads them, in milliseconds since the epoch. Pure functions, any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace passerelle::chp {

std::int64_t now_millis() noexcept;
/// Appends "2026-11-21T22:59:48.530Z". Years 0 to 9999.
void append_date(std::string& out, std::int64_t millis);
/// ISO 8601 in its usual forms (a date alone is UTC, a time without a zone is local), "Sun, 22 Nov
/// 2026 04:00:00 GMT", or nothing.
std::optional<std::int64_t> parse_date(std::string_view text) noexcept;

}  // namespace passerelle::chp
