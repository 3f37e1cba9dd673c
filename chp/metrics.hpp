// Metrics: what configurable-http-proxy counts, under its names, in Prometheus' text format 0.0.4.
// Any thread adds; the sums are taken when they are asked for.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/route_policy.hpp"

namespace passerelle::chp {

class Counter {
 public:
  void add() noexcept { value_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<std::uint64_t> value_{0};
};

/// Durations; quantiles are exact to an eighth. 512 ns to some minutes.
class Summary {
 public:
  void add(std::chrono::nanoseconds took) noexcept;
  void append(std::string& out, std::string_view name) const;

 private:
  static constexpr std::size_t kSteps = 8;  ///< For each power of two.
  static constexpr std::size_t kBuckets = 40 * kSteps;
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
  std::atomic<std::uint64_t> sum_{0};  ///< ns
};

struct Metrics {
  Counter api_route_get, api_route_add, api_route_delete;
  Counter requests_ws, requests_web;
  proxy::StatusTally requests_proxy, requests_api;
  Summary find_target_for_req;
  Summary last_activity_updating;  ///< Stays empty: it is one store here, less than the look at a
                                   ///< clock.

  /// With the process' own figures.
  std::string text() const;
};

}  // namespace passerelle::chp
