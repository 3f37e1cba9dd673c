// Dates as JavaScript writes and reads them, in milliseconds since the epoch. Pure functions, any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace passerelle::chp {

std::int64_t now_millis() noexcept;
/// "2026-11-21T22:59:48.530Z", until the next call. Years 0 to 9999. Many dates of one day are
/// cheap.
class DateText {
 public:
  std::string_view of(std::int64_t millis) noexcept;

 private:
  std::int64_t day_ = -1;
  char text_[25] = "0000-00-00T00:00:00.000Z";
};
/// ISO 8601 in its usual forms (a date alone is UTC, a time without a zone is local), "Sun, 22 Nov
/// 2026 04:00:00 GMT", or nothing.
std::optional<std::int64_t> parse_date(std::string_view text) noexcept;

}  // namespace passerelle::chp
