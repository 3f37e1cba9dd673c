// BatchSpawner: servers as jobs of a batch system. The same for all of them; what differs stands in
// an Adapter.
//
// A start: intent stored, job submitted under the launch's own name, wait in the queue for as long
// as it takes, wait for the job's one report (its port; the host is the scheduler's word, never the
// job's), mutual TLS from there on. A gateway that is killed anywhere in between finds the job by
// its name.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "spawners/batch/cluster.hpp"
#include "spawners/batch/state.hpp"
#include "spawners/batch/wormhole.hpp"
#include "spawners/forecaster.hpp"
#include "spawners/outfitter.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::batch {

class BatchSpawner final : public Spawner, public Forecaster, public Outfitter {
 public:
  BatchSpawner(config::Spawner settings,
               Surroundings around,
               std::shared_ptr<Cluster> cluster,
               std::string prefix);

  const std::string& name() const noexcept override { return settings_.name; }
  Task<Result<Started>> start(ServerSpec spec, Progress& progress) override;
  Task<Result<Liveness>> poll(State state) override;
  Task<Result<Liveness>> wait_for_end(State state) override;
  Task<Result<void>> stop(State state, StopMode mode) override;
  Task<Result<std::vector<std::pair<std::string, State>>>> found() override;
  bool resumes() const noexcept override { return true; }
  Task<Result<Started>> resume(ServerSpec spec, State state, Progress& progress) override;
  Task<Result<void>> arrived(std::string launch_id, std::string key, std::string body) override;
  Security security(const State& state) const override;
  Condition condition(const State& state) const override;
  std::optional<Entrance> entrance() const override;
  std::vector<Room> rooms() override;
  bool forecasts() const noexcept override;
  Task<Result<Forecast>> forecast(ServerSpec spec) override;
  bool expects(const std::string& launch_id) const override;
  Task<Result<std::string>> outfit(std::string launch_id, std::string proof) override;

 private:
  struct Told {
    Cluster::SteadyTime at;
    Forecast what;
  };
  /// A launch whose job has not reported yet.
  struct Expected {
    std::string key_hash;
    std::uint16_t port = 0;  ///< As reported
    bool stored = false;     ///< The report is durable: the job may be told so
    bool closed = false;
    Watch watch;
    std::string proof;          ///< act_as api: what its job left, once it was read (kit.hpp)
    Cluster::SteadyTime asked;  ///< When it was looked for last
  };
  /// What the watcher of a running server has seen last.
  struct Seen {
    std::optional<Cluster::SteadyTime> silent_since;
    bool paused = false;
  };

  using ExpectedMap = std::map<std::string, std::shared_ptr<Expected>>;
  using SeenMap = std::map<std::string, Seen>;

  // outfit.cpp
  Result<nlohmann::json> without_secrets(const Launch& launch, nlohmann::json order) const;
  void forget_kit(const Launch& launch) const;

  // start.cpp
  std::string hub_for_jobs() const;
  Result<nlohmann::json> order_for(const ServerSpec& spec, Launch& launch, const std::string& key);
  Task<Result<void>> submit(Launch& launch, nlohmann::json order, Progress& progress);
  Task<Result<void>> after_doubt(Launch& launch, bool answered, std::string why);
  Task<Result<Started>> until_up(Launch launch, Progress& progress);
  Task<Result<void>> until_running(Launch& launch, const Watch& watch, Progress& progress);
  Task<Result<void>> until_reported(Launch& launch,
                                    const Watch& watch,
                                    const std::shared_ptr<Expected>& expected,
                                    Progress& progress);
  void tell(const Launch& launch, const Watch& watch, Progress& progress) const;
  Task<Error> why_ended(const Launch& launch, const Watch& watch);

  // batch.cpp
  Task<Liveness> liveness_of(const Launch& launch, const Watch& watch);
  Task<std::string> log_tail(const Launch& launch);
  Task<bool> answers(const Launch& launch);
  bool has_reported(const Launch& launch, const Expected& expected) const;
  Result<void> open_way(const Launch& launch);
  std::string mark() const;
  std::string keys_of(const std::string& launch) const { return keys_ + "/" + launch; }
  Launch launch_of_job(const Job& job) const;

  config::Spawner settings_;
  const config::BatchSpawner batch_;
  Surroundings around_;
  const std::shared_ptr<Cluster> cluster_;
  const std::string prefix_;
  const std::string keys_;  ///< Directory of the launches' credentials
  /// By launch id. Shared with the coroutines that put something in: they may be destroyed after
  /// this.
  const std::shared_ptr<ExpectedMap> expected_ = std::make_shared<ExpectedMap>();
  const std::shared_ptr<SeenMap> seen_ = std::make_shared<SeenMap>();
  std::map<std::string, Told> told_;    ///< Forecasts, by who and what
  std::unique_ptr<Wormhole> wormhole_;  ///< Null: servers are reached directly
};

std::int64_t now_in_seconds();
/// An address of the host that a server may be reached at: none of this machine's own, no
/// link-local one.
Task<Result<std::string>> address_of(std::string host);

}  // namespace passerelle::spawners::batch
