// Exposition: numbers as Prometheus reads them (text format 0.0.4). Only writes; what the numbers
// are stands in hub/api/metrics.cpp. (prometheus-cpp keeps its own counters, behind a mutex, and
// would copy ours at every request; here the proxy's threads add to their own and are summed up
// when somebody asks.)
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace passerelle::hub {

/// Values by upper bound, as Prometheus keeps them.
class Histogram {
 public:
  explicit Histogram(std::span<const double> bounds)
      : bounds_(bounds), buckets_(bounds.size() + 1) {}
  /// Of counts that were made elsewhere: one for each bound, and those above the last.
  Histogram(std::span<const double> bounds, std::vector<std::uint64_t> buckets, double sum)
      : bounds_(bounds), buckets_(std::move(buckets)), sum_(sum) {}
  void observe(double value);

  std::span<const double> bounds() const noexcept { return bounds_; }
  const std::vector<std::uint64_t>& buckets() const noexcept { return buckets_; }
  double sum() const noexcept { return sum_; }

 private:
  std::span<const double> bounds_;  ///< Rising; outlives it.
  std::vector<std::uint64_t> buckets_;
  double sum_ = 0;
};

class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// Begins a family; its samples follow. `type`: "counter", "gauge" or "histogram".
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(double value, Labels labels = {});
  void histogram(const Histogram& values, Labels labels = {});
  /// A family of one sample without labels.
  void counter(std::string_view name, std::string_view help, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, double value);

  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view suffix, Labels labels, std::string_view le, double value);

  std::string name_;
  std::string out_;
};

}  // namespace passerelle::hub
