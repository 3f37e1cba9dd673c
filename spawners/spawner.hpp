// The spawner's interface. A spawner runs servers somewhere and keeps no memory of its own: what it
// must remember goes into State, which the hub stores unread and hands back, so a restarted hub
// finds its servers again.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "base/upstream.hpp"
#include "base/worker_pool.hpp"
#include "config/settings.hpp"

namespace passerelle::spawners {

using State =
    std::string;  ///< Opaque to everybody but the spawner that made it; small, no secrets.

/// All that a start needs. Secrets are in `secret` and `environment` and never in an argument
/// vector.
struct ServerSpec {
  std::string launch_id;  ///< 16 hex digits; names directories, cgroups, jobs. Never used twice.
  std::string username;
  std::string server_name;  ///< Empty: default server.
  std::string base_path;    ///< "/user/alice/": the server is asked with this prefix.
  std::string secret;  ///< The server must accept only requests that carry it (jupyter: its token).
  config::Profile profile;
  std::map<std::string, std::string> values;
  /// What the authenticator says of the person ("mail", "uidNumber"): for {claim.NAME} in the
  /// profile's environment, and for spawners that need a login or an id. Checked by whoever relies
  /// on it.
  std::map<std::string, std::vector<std::string>> claims;
  std::string access_token;  ///< The provider's, if the operators opted in; a secret.
  std::string data_dir;      ///< The gateway's.
  /// What the hub itself tells the server; wins over the profile's. Secrets may be in it.
  std::map<std::string, std::string> hub_environment;
  std::chrono::steady_clock::duration start_timeout{};
};

struct Started {
  Upstream upstream;
  State state;
};

struct Liveness {
  enum class Kind {
    running,
    ended,
    unknown
  };  ///< unknown: could not tell; never a reason to forget a server.
  Kind kind = Kind::unknown;
  std::optional<int> exit_code;  ///< ended: 0..255, or 128 + signal
  std::optional<Cause> cause;  ///< ended: out_of_memory, crashed, ...; none: ended by itself with 0
  std::string log_tail;        ///< ended: last 20 lines
  std::optional<Upstream> upstream;  ///< running: where, if the spawner knows (adoption)
  std::string detail =
      {};  ///< ended: one sentence for its owner, if there is more to say than the cause
};

/// TLS towards a server: what it is judged by, and what we show it. Files of the gateway, PEM.
struct Security {
  std::string ca_file;    ///< Empty: it speaks plain HTTP.
  std::string cert_file;  ///< Ours, with the key in the same file; empty: none.
  std::string name;       ///< What its certificate must be for.
  bool on() const noexcept { return !ca_file.empty(); }
};

/// A start that waits for somebody else's resources: a batch system's queue.
struct Waiting {
  std::string state;   ///< "queued", "held", "starting", "paused", "silent": it does not answer
  std::string reason;  ///< In the site's own words; may be empty.
  std::string job;     ///< Its number there
  std::optional<Instant> starts;  ///< At the latest about then; none: nobody knows.
};

/// What there is to say of a running server that only its spawner knows.
struct Condition {
  std::string trouble;  ///< "node-silent", "scheduler-silent", "paused"; empty: all is well.
  std::optional<Instant> ends;  ///< It will be ended then, whatever it does: its walltime.
  bool ends_soon = false;
  std::string job;
  std::string node;
  std::string command;  ///< What was run to start it, without secrets, for people who want to do it
                        ///< by hand.
};

/// A way in for servers that connect to us: what comes to /hub/wormhole/NAME/ is for this socket.
struct Entrance {
  std::string name;
  std::string socket;
};

/// What is free now where servers run, as the people there count it.
struct Room {
  std::string name;  ///< Of a queue or partition; empty: all there is.
  std::uint64_t free = 0;
  std::uint64_t all = 0;
};

/// What a start tells while it runs. Called on the hub's loop; outlives the call.
class Progress {
 public:
  virtual ~Progress() = default;
  /// A new step begins: "prepare", "spawn", "listen". The one before has ended well.
  virtual void step(std::string_view name) = 0;
  virtual void log(std::string_view lines) = 0;  ///< What the server printed since the last call.
  /// It waits elsewhere, and may for hours: its place among the launches under way is given back.
  virtual void waiting(const Waiting& /*how*/) {}
  /// Stored durably before this returns: from here on a restarted hub can find what was begun.
  virtual Task<Result<void>> remember(State state) = 0;
};

enum class StopMode { gentle, now };

class Spawner {
 public:
  virtual ~Spawner() = default;
  virtual const std::string& name() const noexcept = 0;
  /// Returns once the address is known and something of ours listens there. On failure or
  /// cancellation nothing is left behind: no process, socket or directory. The Error carries a
  /// Cause, the log's tail and the exit code.
  virtual Task<Result<Started>> start(ServerSpec spec, Progress& progress) = 0;
  virtual Task<Result<Liveness>> poll(State state) = 0;
  /// Completes when the server ends (or its state becomes known to be lost). The hub runs one per
  /// running server; a spawner without a better way polls. Cancelled by the hub when it stops the
  /// server itself.
  virtual Task<Result<Liveness>> wait_for_end(State state) = 0;
  /// Already gone is success. Returns when no process is left; cleans up all that start() made.
  virtual Task<Result<void>> stop(State state, StopMode mode) = 0;
  /// After a restart: the launch ids that this spawner still has something of. What the store does
  /// not know is stopped.
  virtual Task<Result<std::vector<std::pair<std::string, State>>>> found() = 0;

  /// Whether resume() is for it: starts that outlive a gateway, as those that wait in a queue do.
  virtual bool resumes() const noexcept { return false; }
  /// Goes on with a start that an earlier gateway began, where poll() said `running` without an
  /// address. As start().
  virtual Task<Result<Started>> resume(ServerSpec /*spec*/,
                                       State /*state*/,
                                       Progress& /*progress*/) {
    co_return Error(Errc::invalid, Cause::internal, "this spawner does not resume");
  }
  /// A server that was started elsewhere reports where it listens, with the key it was given.
  /// Returns when that is durable. Errc::forbidden: a wrong or used key; Errc::invalid: no such
  /// message; Errc::unavailable: ask again.
  virtual Task<Result<void>> arrived(std::string /*launch_id*/,
                                     std::string /*key*/,
                                     std::string /*body*/) {
    co_return Error(Errc::forbidden, "nobody is expected here");
  }
  /// From memory, at once.
  virtual Security security(const State& /*state*/) const { return {}; }
  virtual Condition condition(const State& /*state*/) const { return {}; }
  virtual std::optional<Entrance> entrance() const { return std::nullopt; }
  /// Cores, as last seen; empty: nobody knows. Asking keeps it fresh for a while.
  virtual std::vector<Room> rooms() { return {}; }
};

struct Surroundings {
  asio::io_context& loop;
  WorkerPool& workers;
  std::string data_dir;
  std::string program_dir =
      {};  ///< Where our own programs lie (the supervisor); empty: beside the running one
  std::string hub_url =
      {};  ///< "https://host/hub", where servers elsewhere report; empty: nobody could
};

Result<std::unique_ptr<Spawner>> make_spawner(const config::Spawner& settings, Surroundings around);
std::vector<std::string_view> spawner_types();

}  // namespace passerelle::spawners
