// Dates as HTTP writes them.
#include "proxy/http_date.hpp"

#include <chrono>
#include <cstddef>

namespace passerelle::proxy {

namespace {

char* put(char* out, std::string_view text) noexcept {
  for (const char c : text) *out++ = c;
  return out;
}

char* put_digits(char* out, unsigned value, std::size_t digits) noexcept {
  for (std::size_t i = digits; i > 0; --i) {
    out[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + digits;
}

}  // namespace

HttpDate::HttpDate(std::int64_t unix_seconds) noexcept {
  namespace chrono = std::chrono;
  static constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const chrono::sys_seconds at{chrono::seconds(unix_seconds)};
  const auto day = chrono::floor<chrono::days>(at);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss time(at - day);
  char* out = bytes_.data();
  out = put(out, kDays.substr(3 * chrono::weekday(day).c_encoding(), 3));
  out = put(out, ", ");
  out = put_digits(out, static_cast<unsigned>(date.day()), 2);
  out = put(out, " ");
  out = put(out, kMonths.substr(3 * (static_cast<unsigned>(date.month()) - 1), 3));
  out = put(out, " ");
  out = put_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out = put(out, " ");
  out = put_digits(out, static_cast<unsigned>(time.hours().count()), 2);
  out = put(out, ":");
  out = put_digits(out, static_cast<unsigned>(time.minutes().count()), 2);
  out = put(out, ":");
  out = put_digits(out, static_cast<unsigned>(time.seconds().count()), 2);
  put(out, " GMT");
}

}  // namespace passerelle::proxy
