#include "proxy/trace.hpp"

#include <cstring>

#include "base/secrets.hpp"

namespace passerelle::proxy {
namespace {

constexpr auto kPairs = [] {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, 512> pairs{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = kDigits[byte >> 4U];
    pairs[2 * byte + 1] = kDigits[byte & 15U];
  }
  return pairs;
}();

void put(std::uint64_t number, char* out) noexcept {
  for (unsigned shift = 64; shift != 0; out += 2) {
    shift -= 8;
    std::memcpy(out, kPairs.data() + 2 * (number >> shift & 0xffU), 2);
  }
}

/// Lower case only: the standard knows no other. False when there is another character.
bool take_hex(std::string_view digits, std::uint64_t& number) noexcept {
  number = 0;
  for (const char digit : digits) {
    const bool decimal = digit >= '0' && digit <= '9';
    if (!decimal && (digit < 'a' || digit > 'f')) return false;
    number = number << 4U | static_cast<std::uint64_t>(decimal ? digit - '0' : digit - 'a' + 10);
  }
  return true;
}

}  // namespace

TraceText::TraceText(Trace trace) noexcept {
  put(trace.high, digits_.data());
  put(trace.low, digits_.data() + 16);
}

std::optional<Trace> parse_traceparent(std::string_view value) noexcept {
  constexpr std::size_t kSize = 55;
  if (value.size() < kSize || value[2] != '-' || value[35] != '-' || value[52] != '-')
    return std::nullopt;
  std::uint64_t version = 0;
  std::uint64_t parent = 0;
  std::uint64_t flags = 0;
  Trace trace;
  const bool hex = take_hex(value.substr(0, 2), version) &&
                   take_hex(value.substr(3, 16), trace.high) &&
                   take_hex(value.substr(19, 16), trace.low) &&
                   take_hex(value.substr(36, 16), parent) && take_hex(value.substr(53, 2), flags);
  if (!hex || version == 0xff || !trace || parent == 0) return std::nullopt;
  const bool longer = value.size() > kSize;
  if (longer && (version == 0 || value[kSize] != '-')) return std::nullopt;
  return trace;
}

Traces::Traces() {
  const std::string random = secrets::random_bytes(16);
  std::memcpy(&high_, random.data(), 8);
  std::memcpy(&count_, random.data() + 8, 8);
  high_ |= 1U;  // never all zeros
}

// A multiplication by an odd number and a shift can both be undone, so no two counts give the same
// number.
Trace Traces::next() noexcept {
  std::uint64_t low = ++count_ * 0x9e3779b97f4a7c15U;
  low ^= low >> 32U;
  low *= 0xd6e8feb86659fd93U;
  low ^= low >> 32U;
  return {high_, low};
}

}  // namespace passerelle::proxy
