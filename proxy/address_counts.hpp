// How many connections each client address has, in fixed memory and without a lock: two rows of
// counters, in each of which an address has a cell of its own or shares one with few others; the
// smaller of both is believed. It can count too many (with 20,000 addresses connected, one or two),
// never too few. IPv6 addresses count by their /64, which is what one customer has.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "proxy/trusted.hpp"

namespace passerelle::proxy {

class AddressCounts {
 public:
  /// A place among the connections of an address; give it back once.
  struct Seat {
    std::uint16_t first = 0, second = 0;
    bool taken = false;
  };
  AddressCounts();

  // Any thread.
  bool enter(const AddressBytes& address, std::uint32_t most, Seat& seat) noexcept;
  void leave(const Seat& seat) noexcept;

 private:
  static constexpr std::size_t kCells = 1U << 14U;
  using Row = std::array<std::atomic<std::uint32_t>, kCells>;

  std::uint64_t keys_[2];  ///< Random: nobody can choose whom to share a cell with.
  Row first_{};
  Row second_{};
};

}  // namespace passerelle::proxy
