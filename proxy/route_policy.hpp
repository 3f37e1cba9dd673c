// RoutePolicy: how a route departs from the house's rules, for proxies whose upstreams do their own
// access control (chp/). Credentials and every response field pass, addresses may be rewritten, and
// only the client's doings count as activity. Our own routes have none.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/upstream.hpp"
#include "proxy/head.hpp"
#include "proxy/headers.hpp"

namespace passerelle::proxy {

/// Where a name leads at present; any thread. A lock, but one that is taken only for a new
/// connection to a named target and held for a copy.
class AddressList {
 public:
  void set(std::vector<Upstream> addresses);
  std::vector<Upstream> get() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Upstream> addresses_;
};

/// Counts answers by status; any thread.
class StatusTally {
 public:
  static constexpr std::size_t kStatuses = 600;
  void add(int status) noexcept {
    const auto at = static_cast<std::size_t>(status);
    if (at < kStatuses) counts_[at].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t count(std::size_t status) const noexcept {
    return counts_[status].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kStatuses> counts_{};
};

/// Constant while in the table, but for what is atomic. The target is where the route leads:
/// "http://host:81/base?q".
struct RoutePolicy {
  bool append_forwarded =
      true;               ///< X-Forwarded-* grow by our client; otherwise they pass as they came.
  bool own_host = false;  ///< Host becomes the target's.
  bool rewrite_host = false;     ///< A Location that names the target names us instead,
  std::string rewrite_scheme;    ///< and gets this scheme, unless it is empty.
  std::size_t cut_segments = 0;  ///< That many leading segments of the path do not go up.
  std::string target_path;       ///< Put before the path: "/base", or empty.
  std::string target_query;      ///< Put before the query, without "?".
  std::string target_authority;  ///< "host:81"; the port is left out where it is the scheme's own.
  const AddressList* addresses =
      nullptr;  ///< Tried in turn instead of Route::upstream. Lives as long as the route.

  StatusTally* answers = nullptr;  ///< Told of each answer of the upstream, unless null.

  /// Milliseconds since the epoch of the last activity; relaxed stores by proxy threads.
  mutable std::atomic<std::int64_t> last_activity{0};
  void touch(std::int64_t now) const noexcept {
    last_activity.store(now, std::memory_order_relaxed);
  }

  /// The request target that goes up.
  std::string target_of(const RequestHead& head) const;
  /// What Location becomes in an answer of that status; empty if it stays. `host`: by which the
  /// client knows us.
  std::string location_of(int status, std::string_view location, std::string_view host) const;
};

/// As build_upstream_head, by the policy: Authorization, all cookies and X-Forwarded-* pass.
/// `target`: target_of(head). `websocket` upgrades are told as "ws" or "wss" in X-Forwarded-Proto.
std::size_t build_policy_head(const RequestHead& head,
                              const ToUpstream& wish,
                              const RoutePolicy& policy,
                              std::string_view target,
                              std::span<char> out) noexcept;

}  // namespace passerelle::proxy
