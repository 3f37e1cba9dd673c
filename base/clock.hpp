// Time as the hub sees it: wall-clock instants (they are stored and shown) and a clock that tests
// can set.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace passerelle {

using Instant = std::chrono::sys_time<std::chrono::microseconds>;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const noexcept = 0;  ///< Any thread.
};

class SystemClock final : public Clock {
 public:
  Instant now() const noexcept override;
};

/// "2026-11-22T00:50:24.123456Z", JupyterHub's format.
std::string to_iso8601(Instant at);
inline std::int64_t to_micros(Instant at) noexcept {
  return at.time_since_epoch().count();
}
inline Instant from_micros(std::int64_t micros) noexcept {
  return Instant(std::chrono::microseconds(micros));
}

}  // namespace passerelle
