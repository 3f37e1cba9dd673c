// Tally: what the hub counts while it works, for /hub/metrics. On the hub's loop only; grows with
// the number of endpoints, methods and causes, never with people.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <tuple>

#include "hub/exposition.hpp"

namespace passerelle::hub {

inline constexpr double kRequestBounds[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                            0.5,   0.75, 1,     2.5,  5,     7.5, 10};
/// JupyterHub's, so that its dashboards fit.
inline constexpr double kLaunchBounds[] = {0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 180, 300, 600};

struct Tally {
  using Clock = std::chrono::steady_clock;
  struct Request {
    std::string method, handler;
    int code = 0;
    auto operator<=>(const Request&) const = default;
  };

  void request(std::string_view method,
               std::string_view handler,
               int code,
               Clock::time_point began) {
    const auto at =
        requests.try_emplace({known(method), std::string(handler), code}, kRequestBounds).first;
    at->second.observe(seconds_since(began));
  }
  /// `cause`: empty for a success.
  void launch(std::string_view cause, Clock::time_point began) {
    const std::string status = cause.empty() ? "success" : "failure";
    launches.try_emplace(status, kLaunchBounds).first->second.observe(seconds_since(began));
    if (!cause.empty()) ++launch_failures[std::string(cause)];
  }

  /// How long something took, by JupyterHub's name of it ("server_stop", "login") and status.
  void took(std::string_view what, std::string_view status, Clock::time_point began) {
    durations.try_emplace({std::string(what), std::string(status)}, kRequestBounds)
        .first->second.observe(seconds_since(began));
  }
  /// `reason`: JupyterHub's word for a launch that was not even tried.
  void refused(std::string_view reason) { ++refusals[std::string(reason)]; }

  std::map<Request, Histogram> requests;
  std::map<std::string, Histogram> launches;             ///< By status.
  std::map<std::string, std::uint64_t> launch_failures;  ///< By cause.
  std::map<std::pair<std::string, std::string>, Histogram> durations;
  std::map<std::string, std::uint64_t> refusals;  ///< By reason.
  std::uint64_t csp_reports = 0;
  const Clock::time_point started = Clock::now();

  static double seconds_since(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
  }

 private:
  static std::string known(std::string_view method) {
    for (const std::string_view usual :
         {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
      if (method == usual) return std::string(usual);
    return "other";
  }
};

}  // namespace passerelle::hub
