// Trace: the number by which a request is found again: in our log, on our error pages, and in the
// tracing of whoever sent it. Taken over from a valid traceparent (W3C Trace Context, level 1),
// which passes on to the server as it came; otherwise our own, random to others but cheap: no
// system call, no lock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace passerelle::proxy {

struct Trace {
  std::uint64_t high = 0, low = 0;  ///< Both 0: none.
  explicit operator bool() const noexcept { return (high | low) != 0; }
};

/// 32 hexadecimal digits, lower case, as W3C writes them.
class TraceText {
 public:
  explicit TraceText(Trace trace) noexcept;
  std::string_view view() const noexcept { return {digits_.data(), digits_.size()}; }

 private:
  std::array<char, 32> digits_;
};

/// The trace-id of "00-<32 hex>-<16 hex>-<2 hex>"; nothing for what is malformed, all zeros, or
/// version ff. Longer values of later versions are read by their beginning, as the standard asks.
std::optional<Trace> parse_traceparent(std::string_view value) noexcept;

/// Makes the numbers of one proxy thread.
class Traces {
 public:
  Traces();
  Trace next() noexcept;

 private:
  std::uint64_t high_;
  std::uint64_t count_;
};

}  // namespace passerelle::proxy
