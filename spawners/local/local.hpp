// LocalSpawner: servers on the gateway's own machine, each under a supervisor that outlives the
// gateway. This class keeps no memory of them: a launch is its directory, its lock, its control
// socket and its records (place.hpp, order.hpp).
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "spawners/environment.hpp"
#include "spawners/local/account.hpp"
#include "spawners/local/control.hpp"
#include "spawners/local/launch.hpp"
#include "spawners/local/order.hpp"
#include "spawners/local/orphan.hpp"
#include "spawners/local/place.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::local {

class LocalSpawner final : public Spawner {
 public:
  LocalSpawner(config::Spawner settings, Surroundings around, std::string supervisor);

  const std::string& name() const noexcept override { return settings_.name; }
  Task<Result<Started>> start(ServerSpec spec, Progress& progress) override;
  Task<Result<Liveness>> poll(State state) override;
  Task<Result<Liveness>> wait_for_end(State state) override;
  Task<Result<void>> stop(State state, StopMode mode) override;
  Task<Result<std::vector<std::pair<std::string, State>>>> found() override;

 private:
  struct Launch {
    std::string id;
    Place place;
  };
  /// What one attempt to start came to.
  struct Outcome {
    enum class Kind { listening, ended, port_taken };
    Kind kind = Kind::ended;
    std::string host;
    ExitRecord record;
  };

  // start.cpp: a server's way up
  Task<Result<Started>> start_or_undo(ServerSpec spec, Progress& progress);
  Task<Result<Started>> try_start(const ServerSpec& spec, const Launch& launch, Progress& progress);
  Task<Result<Outcome>> attempt(const Order& order, const Launch& launch, Progress& progress);
  Result<std::optional<Outcome>> outcome_of(const nlohmann::json& event,
                                            const Launch& launch,
                                            Progress& progress);
  Task<Result<void>> clear_for_retry(const Launch& launch);
  Task<Result<Outcome>> with_deadline(Task<Result<Outcome>> running,
                                      std::chrono::steady_clock::time_point until,
                                      const Launch& launch,
                                      const Order& order);
  Task<Error> why_silent(const Launch& launch, const Order& order);
  Result<Order> order_for(const ServerSpec& spec,
                          const Launch& launch,
                          const Account& account) const;
  ResourceLimits limits_for(const config::Profile& profile) const;

  // local.cpp: from then on
  Task<Result<void>> finish(const Launch& launch, StopPatience patience);
  Task<Result<void>> stop_processes(const Launch& launch, StopPatience patience);
  Task<void> end_orphan(const Remains& remains, const StopPatience& patience);
  Task<Result<Liveness>> wait_for_orphan(const Launch& launch);
  Task<bool> is_supervised(const Place& place);
  Task<Result<Remains>> remains_of(const Place& place);
  Result<Launch> launch_of(const State& state) const;
  State state_of(const Launch& launch) const;
  Launch launch_named(const std::string& id) const { return {id, Place{run_ + "/" + id}}; }

  config::Spawner settings_;
  Surroundings around_;
  std::string supervisor_;  ///< The program
  std::string run_;         ///< data_dir/run
};

/// What a record says to the hub: the exit code, and the cause unless it ended well or on request.
Liveness liveness_of(const ExitRecord& record);

}  // namespace passerelle::spawners::local
