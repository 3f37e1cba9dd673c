// Launcher: a server's life. Knows no HTTP of browsers and no cookies. One writer of every
// ServerRecord; hub loop only.
//
// A launch, in order, each step undone in reverse order in the same function (run):
//   admission -> put(pending) -> place in the queue -> Spawner::start -> wait until it answers ->
//   route -> put(running)
// The record is durable before anything starts, and the spawner's state before the spawner starts
// anything, so a gateway killed at any moment finds what it began (restore).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "auth/refresh.hpp"
#include "base/http_client.hpp"
#include "base/secrets.hpp"
#include "hub/contract.hpp"
#include "hub/launch_queue.hpp"
#include "hub/origins.hpp"
#include "hub/server.hpp"
#include "hub/tally.hpp"
#include "proxy/route_table.hpp"
#include "spawners/spawner.hpp"
#include "store/store.hpp"

namespace passerelle::spawners {
class Forecaster;
struct Forecast;
}  // namespace passerelle::spawners
namespace passerelle::spawners::kubernetes {
class ChartDesk;
struct ChartOffer;
}  // namespace passerelle::spawners::kubernetes

namespace passerelle::hub {

using ChartOfferPtr = std::shared_ptr<const spawners::kubernetes::ChartOffer>;

using SpawnerMap = std::map<std::string, std::unique_ptr<spawners::Spawner>, std::less<>>;

struct LaunchRequest {
  store::User user;
  std::string server_name;   ///< Empty: the default server
  std::string profile;       ///< Empty: the only one, or the last one used
  config::Values values;     ///< Of the profile's form; checked by launch()
  bool same_values = false;  ///< Those of the last launch instead, if it was of the same profile
  std::string actor;         ///< For the audit log
  std::string peer;
  std::string authenticator;  ///< The identity that is signed in; empty: the user's own.
  std::string subject;
};

struct StopRequest {
  std::string by = "user";  ///< ServerRecord::ended_by: "user", "admin", "cull", "exit"
  std::string detail;       ///< Shown to the owner: "idle for 30 minutes"
  std::string actor;
  std::string peer;
};

/// Everything a Launcher stands on; all outlive it.
struct LauncherParts {
  asio::io_context& loop;
  const config::Settings& settings;
  const Clock& clock;
  store::Store& store;
  const secrets::Sealer& sealer;
  const SpawnerMap& spawners;
  proxy::RouteTable& routes;
  HttpClient& http;
  Tally& tally;
  auth::Refresher& refresher;
  auth::States& states;
  /// Authenticator::access_token of that method.
  std::function<std::optional<auth::AccessToken>(std::string_view authenticator,
                                                 const auth::AuthState& state)>
      access_token;
  Contract& contract;
  const Origins& origins;
};

class Launcher {
 public:
  explicit Launcher(LauncherParts parts);
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  /// Takes up every record of the store: running servers get their route back at once, interrupted
  /// launches go on, what a spawner has and the store does not know is stopped. Returns when routes
  /// stand; checks go on behind.
  Task<Result<void>> restore();

  /// Returns the launch id once the launch is durable; it goes on by itself (Server::progress
  /// tells). Refusals carry a Cause: quota-user, limit-global, queue-full, profile-gone,
  /// profile-forbidden, values-invalid ("cores: must be at most 32"), internal (the database is
  /// full). Errc::conflict when this server is active already. The authenticator is asked first:
  /// Errc::forbidden without a cause when it, or the policy, refuses the person by now.
  Task<Result<std::string>> launch(LaunchRequest request);

  /// Stops a running server or gives up its launch; returns when it is stopped. Not active is
  /// success.
  Task<Result<void>> stop(ServerKey key, StopRequest request);

  /// A server of that launch reports where it listens (Spawner::arrived). Errc::forbidden when
  /// there is no such launch.
  Task<Result<void>> arrived(std::string launch_id, std::string key, std::string body);

  /// What its spawner has to say of a server.
  spawners::Condition condition(const Server& server) const;
  /// What is free where servers of that profile run.
  std::vector<spawners::Room> rooms(const config::Profile& profile) const;
  /// Whoever can tell when a server of that profile would start; null: it starts at once.
  spawners::Forecaster* forecaster(const config::Profile& profile) const;
  /// When this request would start, without starting anything. Errors as launch(), and those of
  /// Forecaster::forecast().
  Task<Result<spawners::Forecast>> forecast(LaunchRequest request);

  /// The form of a profile with a chart, for that server of that person. Errc::unavailable: the
  /// spawner has no charts, or the chart cannot be read.
  Task<Result<ChartOfferPtr>> chart_offer(store::User user,
                                          std::string server_name,
                                          const config::Profile& profile);
  /// Null for a profile without one.
  spawners::kubernetes::ChartDesk* chart_desk(const config::Profile& profile) const;

  /// Forgets a stopped server's row (a named server that its user removes). Errc::conflict while it
  /// is active.
  Task<Result<void>> forget(ServerKey key);

  /// Stops all servers side by side; for `stop_servers_on_exit`.
  Task<void> stop_all(StopRequest request);

  /// The profile that such a request means: the named one, else the one used last, else the only
  /// one. Null: there is none of that name.
  const config::Profile* profile_for(const LaunchRequest& request) const;

  ServerPtr find(const ServerKey& key) const;
  std::vector<ServerPtr> of_user(store::UserId user) const;  ///< By name; stopped ones too
  const std::map<ServerKey, ServerPtr>& all() const noexcept { return servers_; }
  const LaunchQueue& queue() const noexcept { return queue_; }

  /// Writes activity and records that could not be written before; called by the reaper.
  Task<void> save_activity();

 private:
  class Telling;

  Task<Result<store::User>> ask_again(LaunchRequest request);
  Result<const config::Profile*> admit(const LaunchRequest& request) const;
  Result<config::Values> values_for(const LaunchRequest& request,
                                    const config::Profile& profile) const;
  ServerPtr prepare(const LaunchRequest& request, const config::Profile& profile);
  Task<void> run(ServerPtr server, bool resumed);
  Task<Result<void>> attempt(ServerPtr server, bool resumed);
  Task<Result<void>> attempt_guarded(ServerPtr server, bool resumed);
  Task<Result<void>> start(ServerPtr server,
                           spawners::Spawner& spawner,
                           const config::Profile& profile,
                           bool resumed,
                           LaunchQueue::Place& place);
  Task<Result<void>> until_answers(ServerPtr server,
                                   spawners::Spawner& spawner,
                                   const config::Profile& profile);
  Task<Result<void>> ask_until_answered(ServerPtr server, const config::Profile& profile);
  Task<void> watch(ServerPtr server);
  Task<void> close(ServerPtr server, std::string by, std::optional<Error> error);
  Task<void> save(ServerPtr server);
  Task<void> take_up(ServerPtr server);
  Task<spawners::Liveness> find_out(ServerPtr server, spawners::Spawner& spawner);
  Task<void> sweep_strangers();
  Task<void> end_spawned(ServerPtr server, spawners::StopMode mode);

  void add_route(Server& server);
  bool secure(const Server& server, proxy::Route& route) const;
  void remove_route(Server& server);
  void enter_phase(Server& server, store::Phase phase);
  spawners::Spawner* spawner_of(const Server& server) const;
  const config::Profile* profile_of(const Server& server) const;
  Task<Result<void>> enter_contract(ServerPtr server,
                                    const config::Profile& profile,
                                    spawners::ServerSpec& spec);
  Task<void> add_claims(store::UserId id, spawners::ServerSpec& spec);
  spawners::ServerSpec spec_for(const Server& server, const config::Profile& profile) const;
  void fill_paths(Server& server) const;
  void audit_refusal(const LaunchRequest& request, const Error& why) const;
  void audit(const Server& server,
             std::string action,
             std::string actor,
             std::string peer,
             const Error* error) const;

  LauncherParts parts_;
  LaunchQueue queue_;
  std::map<ServerKey, ServerPtr> servers_;
};

/// Whether `people` names this user: everyone, by username, by "authenticator:subject", or by a
/// group.
bool includes(const config::People& people, const store::User& user);

}  // namespace passerelle::hub
