// Counts that one proxy thread writes and any thread reads: numbers, answers by status, and how
// long requests took. Relaxed loads and stores only; sums over the threads are made when somebody
// asks.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace passerelle::proxy {

/// Counted by one thread, read by any.
class Count {
 public:
  void add(std::uint64_t more = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  void subtract() noexcept { add(~std::uint64_t{0}); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline constexpr std::size_t kMostStatus = 599;
using StatusSums = std::array<std::uint64_t, kMostStatus + 1>;  ///< [0]: no answer was sent.

class StatusCounts {
 public:
  void add(int status) noexcept {
    const auto at = static_cast<std::size_t>(status);
    counts_[at <= kMostStatus ? at : 0].add();
  }
  void add_to(StatusSums& sums) const noexcept {
    for (std::size_t at = 0; at < counts_.size(); ++at) sums[at] += counts_[at].value();
  }

 private:
  std::array<Count, kMostStatus + 1> counts_;
};

/// Upper bounds of the buckets, milliseconds; one more bucket has none. The clock is the loop's,
/// read once a turn.
inline constexpr std::array<std::int64_t, 12> kDurationBounds = {
    1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000, 60000};
struct DurationSums {
  std::array<std::uint64_t, kDurationBounds.size() + 1>
      buckets{};  ///< Each for itself, not added up.
  std::uint64_t millis = 0;
};

class Durations {
 public:
  void add(std::int64_t millis) noexcept {
    std::size_t at = 0;
    while (at < kDurationBounds.size() && millis > kDurationBounds[at]) ++at;
    buckets_[at].add();
    millis_.add(static_cast<std::uint64_t>(millis));
  }
  void add_to(DurationSums& sums) const noexcept {
    for (std::size_t at = 0; at < buckets_.size(); ++at) sums.buckets[at] += buckets_[at].value();
    sums.millis += millis_.value();
  }

 private:
  std::array<Count, kDurationBounds.size() + 1> buckets_;
  Count millis_;
};

}  // namespace passerelle::proxy
