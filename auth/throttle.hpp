// Throttle: slows down guessing without locking a classroom out. Only failures count. Strictly for
// one name from one address, loosely for an address (a room is one address: 100 failures, one more
// every 3 s), and for everybody together, which then slows only those addresses that have failed of
// late.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"

namespace passerelle::auth {

/// The part of an address that one person can be expected to hold: IPv4 whole, IPv6 its first 64
/// bits.
std::string address_prefix(std::string_view address);

/// The hub's loop only. Bounded: the least recently used entries are forgotten.
class Throttle {
 public:
  explicit Throttle(const Clock& clock, std::size_t most_entries = 16'384);

  /// Before a try: how long to wait, or nothing, and the try is counted against (address, name)
  /// until its outcome is told, so that parallel tries gain nothing. `name`: normalised; empty if
  /// the method has none.
  std::optional<seconds> begin(std::string_view address, std::string_view name);
  /// Every begin() that let through is followed by one of these.
  void failed(std::string_view address, std::string_view name);
  void succeeded(std::string_view address,
                 std::string_view name);                         ///< Forgets this pair's failures.
  void untold(std::string_view address, std::string_view name);  ///< Neither: not counted.

  std::size_t entries() const noexcept { return entries_.size(); }

 private:
  // One bucket for pairs and addresses alike; each uses what it needs.
  struct Entry {
    std::string key;
    double failures = 0;  ///< Address: leaks away. Pair: whole tries since the last success.
    Instant last{};
    Instant not_before{};  ///< Pair only.
  };
  using Entries = std::list<Entry>;  // most recently used first

  Entry& touch(std::string key, Instant now);
  Entry* find(const std::string& key);
  void leak(Entry& address, Instant now) const;
  std::optional<seconds> wait_of_address(const std::string& prefix, Instant now);
  std::optional<seconds> wait_of_pair(const std::string& pair, Instant now);

  const Clock& clock_;
  const std::size_t most_entries_;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> index_;
  Entry everybody_;
};

}  // namespace passerelle::auth
