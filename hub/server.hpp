// Server: one server of a user as the hub holds it in memory: its durable record, the launch under
// way or last done, its route while it is reachable. Owned by the Launcher, read by pages and API;
// hub loop only.
#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include "hub/launch_progress.hpp"
#include "proxy/route_table.hpp"
#include "store/records.hpp"

namespace passerelle::hub {

struct ServerKey {
  store::UserId user = 0;
  std::string name;
  auto operator<=>(const ServerKey&) const = default;
};

/// What the gate must know of a route's owner: Route::for_gate. Immutable.
struct RouteOwner {
  std::string username;
  std::string server;
  std::vector<std::string> groups;
  std::string label;  ///< The name of the owner's origin (hub/origins.hpp)
  bool asks = false;  ///< It asks us by OAuth, or with the token it was shown, who comes.
};

struct Server {
  explicit Server(boost::asio::io_context& loop)
      : changed(loop, boost::asio::steady_timer::time_point::max()) {}

  store::ServerRecord record;
  std::string username;
  std::vector<std::string> groups;  ///< Of its user, at the launch or the restart
  std::string base_path;            ///< "/user/alice/": where it stands, or is asked for at the hub
  std::string host;                 ///< Its own name (hub/origins.hpp); empty: below base_path
  std::string asked_below;          ///< What it is asked with: base_path, or "/" at its own name
  std::string route_prefix;         ///< Its route's: base_path, or what stands for its own name
  std::string open_url;             ///< Where "open" leads, with the profile's default_url
  std::string secret;               ///< What the upstream asks for; never leaves the gateway
  std::shared_ptr<LaunchProgress>
      progress;  ///< Of the current or last launch of this process; may be null
  std::shared_ptr<const proxy::Route> route;  ///< Only while running
  std::optional<Instant> stops_at;            ///< A cull rule will stop it then unless it is used
  bool stops_soon = false;                    ///< Within the rule's notice
  std::optional<Instant> kept_until;          ///< No rule stops it as idle before (keeping.hpp)

  boost::asio::cancellation_signal attempt;  ///< Cancels the launch under way
  boost::asio::cancellation_signal watch;    ///< Cancels the wait for its end
  bool stop_asked = false;                   ///< The launch under way is to be given up
  std::string stop_by;                       ///< Who asked: see ServerRecord::ended_by
  bool unsaved = false;               ///< The record could not be written; the reaper tries again
  boost::asio::steady_timer changed;  ///< Cancelled (waiters wake) at every change of phase

  ServerKey key() const { return {record.user, record.name}; }
  bool active() const noexcept { return record.phase != store::Phase::stopped; }
};

/// The later of what the proxy saw and what is stored.
Instant last_activity(const Server& server);

using ServerPtr = std::shared_ptr<Server>;

}  // namespace passerelle::hub
