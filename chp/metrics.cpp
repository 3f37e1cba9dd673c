#include "chp/metrics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

namespace passerelle::chp {
namespace {

std::string number(double value) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%.9g", value);
  return {text, static_cast<std::size_t>(size)};
}

void describe(std::string& out,
              std::string_view name,
              std::string_view type,
              std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help);
  out.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void append_counter(std::string& out,
                    std::string_view name,
                    std::string_view help,
                    const Counter& counter) {
  describe(out, name, "counter", help);
  out.append(name).append(" ").append(std::to_string(counter.value())).append("\n\n");
}

void append_process(std::string& out,
                    std::string_view name,
                    std::string_view type,
                    std::string_view help,
                    double value) {
  describe(out, name, type, help);
  out.append(name).append(" ").append(number(value)).append("\n\n");
}

double seconds_of(const timeval& time) noexcept {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double resident_bytes() {
  std::ifstream in("/proc/self/statm");
  double total = 0;
  double resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return 0;
  return static_cast<double>(std::distance(begin(files), end(files)));
}

double started() noexcept {
  static const double kStarted = static_cast<double>(std::time(nullptr));
  return kStarted;
}
const double kAtLoad = started();

void append_process(std::string& out) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  append_process(out, "process_cpu_user_seconds_total", "counter",
                 "Total user CPU time spent in seconds.", seconds_of(usage.ru_utime));
  append_process(out, "process_cpu_system_seconds_total", "counter",
                 "Total system CPU time spent in seconds.", seconds_of(usage.ru_stime));
  append_process(out, "process_cpu_seconds_total", "counter",
                 "Total user and system CPU time spent in seconds.",
                 seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  append_process(out, "process_start_time_seconds", "gauge",
                 "Start time of the process since unix epoch in seconds.", kAtLoad);
  append_process(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
                 resident_bytes());
  append_process(out, "process_open_fds", "gauge", "Number of open file descriptors.",
                 open_files());
  append_process(out, "process_max_fds", "gauge", "Maximum number of open file descriptors.",
                 static_cast<double>(files.rlim_cur));
}

void append_statuses(std::string& out,
                     std::string_view name,
                     std::string_view help,
                     const proxy::StatusTally& tally) {
  describe(out, name, "counter", help);
  for (std::size_t status = 0; status < proxy::StatusTally::kStatuses; ++status) {
    if (tally.count(status) == 0) continue;
    out.append(name).append("{status=\"").append(std::to_string(status)).append("\"} ");
    out.append(std::to_string(tally.count(status))).append("\n");
  }
  out += '\n';
}

}  // namespace

void Summary::add(std::chrono::nanoseconds took) noexcept {
  const auto nanos = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 1));
  const auto power = static_cast<std::size_t>(std::bit_width(nanos)) - 1;
  const std::size_t step = power < 3 ? 0 : (nanos >> (power - 3)) & (kSteps - 1);
  const std::size_t at = std::min(power * kSteps + step, kBuckets - 1);
  buckets_[at].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(nanos, std::memory_order_relaxed);
}

void Summary::append(std::string& out, std::string_view name) const {
  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < kBuckets; ++at)
    count += counts[at] = buckets_[at].load(std::memory_order_relaxed);
  for (const std::string_view quantile : {"0.01", "0.05", "0.5", "0.9", "0.95", "0.99", "0.999"}) {
    const double wanted = std::stod(std::string(quantile)) * static_cast<double>(count);
    std::uint64_t below = 0;
    std::size_t at = 0;
    while (at + 1 < kBuckets && static_cast<double>(below += counts[at]) < wanted) ++at;
    const double power = std::ldexp(1.0, static_cast<int>(at / kSteps));
    const double nanos =
        count == 0 ? 0 : power * (1 + (static_cast<double>(at % kSteps) + 0.5) / kSteps);
    out.append(name)
        .append("{quantile=\"")
        .append(quantile)
        .append("\"} ")
        .append(number(nanos / 1e9))
        .append("\n");
  }
  const auto sum = static_cast<double>(sum_.load(std::memory_order_relaxed));
  out.append(name).append("_sum ").append(number(sum / 1e9)).append("\n");
  out.append(name).append("_count ").append(std::to_string(count)).append("\n\n");
}

std::string Metrics::text() const {
  std::string out;
  append_process(out);
  append_counter(out, "api_route_get", "Count of API route get requests", api_route_get);
  append_counter(out, "api_route_add", "Count of API route add requests", api_route_add);
  append_counter(out, "api_route_delete", "Count of API route delete requests", api_route_delete);
  describe(out, "find_target_for_req", "summary", "Summary of find target requests");
  find_target_for_req.append(out, "find_target_for_req");
  describe(out, "last_activity_updating", "summary", "Summary of last activity updating requests");
  last_activity_updating.append(out, "last_activity_updating");
  append_counter(out, "requests_ws", "Count of websocket requests", requests_ws);
  append_counter(out, "requests_web", "Count of web requests", requests_web);
  append_statuses(out, "requests_proxy", "Count of proxy requests", requests_proxy);
  append_statuses(out, "requests_api", "Count of API requests", requests_api);
  return out;
}

}  // namespace passerelle::chp
