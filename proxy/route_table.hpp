// RouteTable: which upstream answers a path. Longest prefix on segment borders wins. Readers never
// wait: each proxy thread keeps the snapshot it found and refreshes it when the epoch has moved;
// writers swap in the next one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/upstream.hpp"

namespace passerelle::proxy {

class TlsClient;
struct RoutePolicy;  // route_policy.hpp

struct Route {
  std::string prefix;  ///< "/user/alice/": begins and ends with "/", decoded.
  Upstream upstream;
  std::shared_ptr<const TlsClient> tls;  ///< Set: the upstream speaks TLS,
  std::string tls_name;                  ///< and its certificate must have this name or address.
  /// Set on every request that goes up, replacing what the client sent under that name (the
  /// server's own secret).
  std::vector<std::pair<std::string, std::string>> set_headers;
  std::shared_ptr<const RoutePolicy> policy;  ///< Null: the house's rules.
  std::uint64_t tag = 0;  ///< The gate's own, as is `for_gate`; the proxy reads neither.
  std::shared_ptr<const void> for_gate;
  /// Coarse seconds since the epoch of the last byte either way; relaxed stores by proxy threads.
  mutable std::atomic<std::int64_t> last_activity{0};
  /// Open tunnels and requests under way; the hub reads it for culling.
  mutable std::atomic<std::int32_t> in_flight{0};
  /// Set when the route is removed or its right ends: tunnels on it are cut within a second.
  mutable std::atomic<bool> closed{false};
};

/// What %2F in a path is to the search. It ends it, as no prefix has one; or it separates segments
/// as "/" does, for callers whose routes are known decoded (chp/).
enum class EscapedSlash : bool { ends_search, separates };

class RouteTable {
 public:
  RouteTable();
  ~RouteTable();
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  void add(std::shared_ptr<const Route>
               route);  ///< Any thread; replaces a route of the same prefix, closing it.
  bool remove(std::string_view prefix);  ///< Any thread; false if there was none.
  std::shared_ptr<const Route> exact(
      std::string_view prefix) const;  ///< Any thread; control plane.
  std::vector<std::shared_ptr<const Route>> all() const;

  /// The longest prefix of `path` (canonical, decoded up to the point where it matters), or null.
  /// Proxy threads; the calling thread's own snapshot, no lock, no allocation.
  const std::shared_ptr<const Route>& match(
      std::string_view path, EscapedSlash slash = EscapedSlash::ends_search) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace passerelle::proxy
