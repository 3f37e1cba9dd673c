// Routes: the routes of the REST API, as they were told and as the proxy knows them. Keeps every
// member of what was POSTed, and when there was activity. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "chp/options.hpp"
#include "chp/target.hpp"
#include "proxy/route_policy.hpp"
#include "proxy/route_table.hpp"

namespace passerelle::chp {

using Json = nlohmann::ordered_json;

/// What a route is beside a proxy::Route: its for_gate.
struct RouteEntry {
  std::string key;            ///< "/user/alice", decoded.
  std::string text;           ///< "/user/alice":{"target":"...", ...: up to last_activity.
  std::size_t object_at = 0;  ///< Where the object begins in it.
  std::string target_text;
  bool usable = false;  ///< `target` holds.
  Target target;
  proxy::AddressList addresses;  ///< For a named target; the resolver keeps it up to date.
};
using RouteEntryPointer = std::shared_ptr<const RouteEntry>;

class Routes {
 public:
  /// `options` and `answers` must outlive the routes.
  Routes(const Options& options, proxy::StatusTally& answers)
      : options_(options), answers_(answers) {}
  /// For https targets; before the first add(). Without it they are not usable.
  void use_tls(std::shared_ptr<const proxy::TlsClient> tls) { tls_ = std::move(tls); }

  /// `path`: decoded, any slashes around it. `body` must be an object with a string "target".
  /// Replaces.
  std::shared_ptr<RouteEntry> add(std::string_view path, const Json& body);
  bool remove(std::string_view path);
  /// {"target":...,"last_activity":...}, or nothing.
  std::optional<std::string> get(std::string_view path) const;
  /// {"/":{...},...}; only those without activity since `inactive_since` (ms), if given.
  std::string all(std::optional<std::int64_t> inactive_since) const;

  const proxy::RouteTable& table() const noexcept { return table_; }

 private:
  std::string prefix_of(std::string_view path) const;
  std::shared_ptr<proxy::RoutePolicy> policy_for(const RouteEntry& entry,
                                                 std::string_view prefix) const;

  const Options& options_;
  proxy::StatusTally& answers_;
  std::shared_ptr<const proxy::TlsClient> tls_;
  proxy::RouteTable table_;
};

/// "/user/alice" for "user/alice/": one slash before, none behind.
std::string clean_path(std::string_view path);

}  // namespace passerelle::chp
