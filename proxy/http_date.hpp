// The Date field (RFC 9110, 5.6.7), written without the C library's locale or time zone.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace passerelle::proxy {

class HttpDate {
 public:
  explicit HttpDate(std::int64_t unix_seconds) noexcept;
  /// "Sun, 06 Nov 1994 08:49:37 GMT"
  std::string_view text() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, 29> bytes_;
};

}  // namespace passerelle::proxy
