// What fuzz targets share: a check that stays in release builds, and a cheap source of decisions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// A property that must hold for every input; ends the program, so that the fuzzer keeps the input.
#define REQUIRE(property)                                                         \
  do {                                                                            \
    if (!(property)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #property); \
      std::abort();                                                               \
    }                                                                             \
  } while (false)

namespace passerelle::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Numbers that depend on the input only: the same input is split in the same places each time.
class Dice {
 public:
  explicit Dice(std::string_view seed) {
    for (const char c : seed.substr(0, 64))
      state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    state_ |= 1;
  }
  /// 1 to `most`.
  std::size_t roll(std::size_t most) {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return static_cast<std::size_t>(state_ % most) + 1;
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

}  // namespace passerelle::fuzz
