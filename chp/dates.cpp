#include "chp/dates.hpp"

#include <chrono>
#include <ctime>

namespace passerelle::chp {
namespace {

constexpr std::int64_t kDay = 86'400'000;

/// Takes one part after the other off a text; once something is missing, everything is.
class Parts {
 public:
  explicit Parts(std::string_view text) noexcept : left_(text) {}
  bool done() const noexcept { return left_.empty(); }
  bool begins(char c) const noexcept { return !left_.empty() && left_.front() == c; }
  bool skip(char c) noexcept {
    if (!begins(c)) return false;
    left_.remove_prefix(1);
    return true;
  }
  /// Exactly `digits` of them.
  std::optional<int> number(std::size_t digits) noexcept {
    if (left_.size() < digits) return std::nullopt;
    int value = 0;
    for (const char c : left_.substr(0, digits)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    left_.remove_prefix(digits);
    return value;
  }
  std::size_t digits() const noexcept {
    const std::size_t end = left_.find_first_not_of("0123456789");
    return end == std::string_view::npos ? left_.size() : end;
  }

 private:
  std::string_view left_;
};

struct Time {
  int hour = 0, minute = 0, second = 0, millis = 0;
};

std::optional<Time> parse_time(Parts& parts) noexcept {
  const auto hour = parts.number(2);
  if (!hour || !parts.skip(':')) return std::nullopt;
  const auto minute = parts.number(2);
  if (!minute || *hour > 24 || *minute > 59) return std::nullopt;
  Time time{*hour, *minute, 0, 0};
  if (!parts.skip(':')) return time;
  const auto second = parts.number(2);
  if (!second || *second > 59) return std::nullopt;
  time.second = *second;
  if (!parts.skip('.')) return time;
  int scale = 100;
  std::size_t digits = parts.digits();
  if (digits == 0) return std::nullopt;
  for (; digits > 0; --digits, scale /= 10) time.millis += *parts.number(1) * scale;
  return time;
}

std::int64_t millis_of(const Time& time) noexcept {
  return ((time.hour * 60LL + time.minute) * 60 + time.second) * 1000 + time.millis;
}

/// What is to be taken off a time with this zone; local if there is none.
std::optional<std::int64_t> parse_zone(Parts& parts, std::int64_t local_millis) noexcept {
  if (parts.skip('Z') || parts.skip('z')) return 0;
  const bool east = parts.begins('+');
  if (east || parts.begins('-')) {
    parts.skip(east ? '+' : '-');
    const auto hours = parts.number(2);
    parts.skip(':');
    const auto minutes = parts.number(2);
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    return (*hours * 60LL + *minutes) * (east ? 60'000 : -60'000);
  }
  const std::time_t seconds = local_millis / 1000;
  std::tm parts_of_day{};
  if (gmtime_r(&seconds, &parts_of_day) == nullptr) return std::nullopt;
  parts_of_day.tm_isdst = -1;
  return (seconds - mktime(&parts_of_day)) * 1000;
}

std::optional<std::int64_t> days(int year, int month, int day) noexcept {
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<std::int64_t> parse_iso(std::string_view text) noexcept {
  Parts parts(text);
  const auto year = parts.number(4);
  if (!year) return std::nullopt;
  std::optional<int> month = 1;
  std::optional<int> day = 1;
  if (parts.skip('-')) month = parts.number(2);
  if (month && parts.skip('-')) day = parts.number(2);
  if (!month || !day) return std::nullopt;
  const auto date = days(*year, *month, *day);
  if (!date) return std::nullopt;
  if (parts.done()) return *date * kDay;
  if (!parts.skip('T') && !parts.skip('t') && !parts.skip(' ')) return std::nullopt;
  const auto time = parse_time(parts);
  if (!time) return std::nullopt;
  const std::int64_t local = *date * kDay + millis_of(*time);
  const auto zone = parse_zone(parts, local);
  if (!zone || !parts.done()) return std::nullopt;
  return local - *zone;
}

std::optional<std::int64_t> parse_http(const std::string& text) noexcept {
  std::tm parts{};
  const char* const end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return timegm(&parts) * 1000LL;
}

void put_digits(char* at, std::int64_t value, std::size_t digits) noexcept {
  for (; digits-- > 0; value /= 10) at[digits] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::int64_t now_millis() noexcept {
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

std::string_view DateText::of(std::int64_t millis) noexcept {
  if (const std::int64_t day = millis / kDay; day != day_) {
    day_ = day;
    const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
    put_digits(&text_[0], static_cast<int>(date.year()), 4);
    put_digits(&text_[5], static_cast<unsigned>(date.month()), 2);
    put_digits(&text_[8], static_cast<unsigned>(date.day()), 2);
  }
  const std::int64_t rest = millis % kDay;
  put_digits(&text_[11], rest / 3'600'000, 2);
  put_digits(&text_[14], rest / 60'000 % 60, 2);
  put_digits(&text_[17], rest / 1000 % 60, 2);
  put_digits(&text_[20], rest % 1000, 3);
  return {text_, sizeof text_ - 1};
}

std::optional<std::int64_t> parse_date(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64) return std::nullopt;
  if (const auto iso = parse_iso(text)) return iso;
  return parse_http(std::string(text));
}

}  // namespace passerelle::chp
