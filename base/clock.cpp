#include "base/clock.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace passerelle {

Instant SystemClock::now() const noexcept {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string to_iso8601(Instant at) {
  const auto whole = std::chrono::floor<seconds>(at);
  const std::time_t unix_time = whole.time_since_epoch().count();
  std::tm utc{};
  gmtime_r(&unix_time, &utc);
  std::array<char, 32> date{};
  std::array<char, 48> out{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(out.data(), out.size(), "%s.%06ldZ", date.data(),
                static_cast<long>((at - whole).count()));
  return out.data();
}

}  // namespace passerelle
