#include "proxy/address_counts.hpp"

#include <algorithm>
#include <cstring>

#include "base/secrets.hpp"

namespace passerelle::proxy {
namespace {

// The finisher of splitmix64: every bit of the input moves every bit of the output.
std::uint64_t mix(std::uint64_t value) noexcept {
  value ^= value >> 30U;
  value *= 0xbf58476d1ce4e5b9U;
  value ^= value >> 27U;
  value *= 0x94d049bb133111ebU;
  return value ^ value >> 31U;
}

bool is_v4(const AddressBytes& address) noexcept {
  constexpr AddressBytes kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(address.begin(), address.begin() + 12, kMapped.begin());
}

}  // namespace

AddressCounts::AddressCounts() {
  const std::string random = secrets::random_bytes(sizeof keys_);
  std::memcpy(keys_, random.data(), sizeof keys_);
}

bool AddressCounts::enter(const AddressBytes& address, std::uint32_t most, Seat& seat) noexcept {
  std::uint64_t network = 0;
  std::memcpy(&network, address.data() + (is_v4(address) ? 8 : 0), sizeof network);
  const std::uint64_t hash = mix(mix(network ^ keys_[0]) ^ keys_[1]);
  seat.first = static_cast<std::uint16_t>(hash % kCells);
  seat.second = static_cast<std::uint16_t>((hash >> 32U) % kCells);
  const std::uint32_t first = first_[seat.first].fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t second = second_[seat.second].fetch_add(1, std::memory_order_relaxed);
  seat.taken = true;
  if (std::min(first, second) < most) return true;
  leave(seat);
  seat.taken = false;
  return false;
}

void AddressCounts::leave(const Seat& seat) noexcept {
  if (!seat.taken) return;
  first_[seat.first].fetch_sub(1, std::memory_order_relaxed);
  second_[seat.second].fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace passerelle::proxy
