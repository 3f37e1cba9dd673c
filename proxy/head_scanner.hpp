// The grammar that request and response heads share: lines, field names, values. Private to
// head.hpp's functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/head.hpp"

namespace passerelle::proxy {

class HeadScanner {
 public:
  explicit HeadScanner(std::string_view bytes) noexcept;

  Scan request(RequestHead& head, std::span<char> bytes, std::size_t guarded_segments) noexcept;
  Scan response(ResponseHead& head, Asked asked) noexcept;

 private:
  static constexpr std::string_view kNoLineEnd = "a line does not end in CR LF";
  /// What Connection said, gathered over all its lines.
  struct Connection {
    bool close = false, keep_alive = false, upgrade = false;
  };

  bool refuse(int status, std::string_view reason) noexcept;
  bool
  more() noexcept;  ///< Not enough bytes yet, or too many for one head. False, for returning it.
  Scan result() const noexcept;

  bool literal(std::string_view text, std::string_view otherwise) noexcept;
  bool line_end(std::string_view otherwise) noexcept {
    if (end_ - at_ < 2 || at_[0] != '\r' || at_[1] != '\n') return literal("\r\n", otherwise);
    at_ += 2;
    return true;
  }
  std::uint16_t offset(const char* at) const noexcept {
    return static_cast<std::uint16_t>(at - begin_);
  }

  bool fields(Fields& fields, std::uint64_t once, bool drop_odd_names) noexcept;
  inline bool field(Fields& fields, std::uint64_t once, bool drop_odd_names) noexcept;
  inline bool name(std::string_view& name, bool& odd) noexcept;
  inline bool content(std::string_view& value) noexcept;
  bool value(std::string_view& value) noexcept;
  bool connection_line(Fields& fields, std::string_view value) noexcept;

  bool leading_line() noexcept;
  bool method(RequestHead& head) noexcept;
  bool request_target(RequestHead& head) noexcept;
  bool version(std::uint8_t& minor) noexcept;
  bool host(RequestHead& head) noexcept;
  bool request_framing(RequestHead& head) noexcept;
  bool request_upgrade(RequestHead& head) noexcept;
  bool resolve_target(RequestHead& head, std::span<char> bytes, std::size_t guarded) noexcept;
  bool absolute_form(RequestHead& head, std::span<char> bytes) noexcept;

  bool status_line(ResponseHead& head) noexcept;
  bool response_framing(ResponseHead& head, Asked asked) noexcept;
  bool switching(ResponseHead& head, Asked asked) noexcept;
  bool length(std::string_view digits, std::uint64_t& length) noexcept;

  const char* begin_;
  const char* at_;
  const char* end_;
  bool clipped_;  ///< There are more bytes than a head may have.
  Connection connection_;
  std::size_t lines_ = 0;
  Scan scan_;
};

/// Whether `bytes` may hold more than the first `seen` of them already told: a scan is worth it
/// only after a new line has ended or when the limit is reached.
bool worth_scanning(std::string_view bytes, std::size_t seen) noexcept;

constexpr std::uint64_t bit(FieldId id) noexcept {
  return 1ULL << static_cast<unsigned>(id);
}

}  // namespace passerelle::proxy
