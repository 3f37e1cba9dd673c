// KubernetesSpawner: servers in a cluster. A profile with a `chart` is Helm's (charts.hpp); any
// other is a pod, three objects each: a Secret with the environment, the person's claim (made once,
// kept), the Pod. No child process. One watch tells of all pods; an API server that is away stops
// nothing and forgets nothing.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/spawners/container.hpp"
#include "config/spawners/kubernetes.hpp"
#include "spawners/environment.hpp"
#include "spawners/kubernetes/chart_desk.hpp"
#include "spawners/kubernetes/charts.hpp"
#include "spawners/kubernetes/cluster.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::kubernetes {

/// Which pod is meant; what State holds.
struct Launch {
  std::string id;
  std::string pod;
  std::string namespace_;
  std::uint32_t port = 0;
};

State to_state(const Launch& launch);
Result<Launch> launch_of(const State& state);

class KubernetesSpawner final : public Spawner, public ChartDesk {
 public:
  KubernetesSpawner(std::string name,
                    config::KubernetesSpawner settings,
                    Access access,
                    Surroundings around);
  ~KubernetesSpawner() override;

  const std::string& name() const noexcept override { return name_; }
  Task<Result<Started>> start(ServerSpec spec, Progress& progress) override;
  Task<Result<Liveness>> poll(State state) override;
  Task<Result<Liveness>> wait_for_end(State state) override;
  Task<Result<void>> stop(State state, StopMode mode) override;
  Task<Result<std::vector<std::pair<std::string, State>>>> found() override;
  bool resumes() const noexcept override { return true; }
  Task<Result<Started>> resume(ServerSpec spec, State state, Progress& progress) override;
  Condition condition(const State& state) const override;
  Task<Result<ChartOfferPtr>> offer(ServerSpec spec) override;
  Task<Result<CatalogueListPtr>> charts(config::KubernetesProfile profile) override;
  Task<Result<FilledForm>> filled(ChartOfferPtr offer, Filling filling) override;
  Task<std::vector<Gauge>> quota(std::string in_namespace, bool fresh) override;
  Task<std::vector<Neighbour>> neighbours(std::string in_namespace) override;
  Task<Result<std::string>> notes(State state) override;
  Task<Result<void>> uninstall(ServerSpec spec) override;

 private:
  // start.cpp: a pod's way up
  Task<Result<Started>> start_or_undo(ServerSpec spec, Progress& progress, bool resumed);
  Task<Result<Started>> try_start(const ServerSpec& spec, Progress& progress);
  Task<Result<Started>> until_up(const Launch& launch,
                                 std::chrono::steady_clock::time_point until,
                                 Progress& progress);
  Task<Result<void>> until_it_answers(Launch launch);
  Task<Result<void>> create_until(const ServerSpec& spec,
                                  const Launch& launch,
                                  std::chrono::steady_clock::time_point until);
  Task<Result<void>> create_objects(const ServerSpec& spec, const Launch& launch);
  Task<Result<void>> create_or_replace(const Launch& launch, const char* kind, Json object);
  Task<Result<Upstream>> until_ready(const Launch& launch, Progress& progress);
  Task<Error> why_not(const Launch& launch, Error why);
  Task<void> tell_events(const Launch& launch, Progress& progress, std::set<std::string>& told);

  // kubernetes.cpp: from then on
  Launch launch_for(const ServerSpec& spec) const;
  Task<Result<void>> until_synced();
  Task<Result<Liveness>> ended_as(Launch launch, Pod pod);
  Task<std::string> tail_of(const Launch& launch);

  std::string name_;
  config::KubernetesSpawner settings_;
  std::string gateway_;  ///< Whose pods these are: a hash of data_dir
  ClusterPtr cluster_;
  std::shared_ptr<Projects> projects_;
  std::unique_ptr<Charts> charts_;  ///< None without a helm
};

// removal.cpp

/// "/api/v1/namespaces/x/pods/y"
std::string path_of(const Launch& launch, const char* kind, const std::string& name = {});
/// The launch's pod and Secret. Already gone is success; returns when they are.
Task<Result<void>> remove_objects(ClusterPtr cluster, Launch launch, std::chrono::seconds grace);
// objects.cpp: what is sent to the cluster.

struct Owner {
  std::string gateway;
  std::string spawner;
};

/// Cause::values_invalid for an image that may not be chosen.
Result<std::string> image_for(const config::KubernetesSpawner& settings, const ServerSpec& spec);
Result<Environment> environment_in_container(const config::KubernetesSpawner& settings,
                                             const ServerSpec& spec);
Json secret_for(const Launch& launch, const Owner& owner, const Environment& environment);
Json claim_for(const config::KubernetesSpawner& settings, const ServerSpec& spec);
Result<Json> pod_for(const config::KubernetesSpawner& settings,
                     const ServerSpec& spec,
                     const Launch& launch,
                     const Owner& owner);

}  // namespace passerelle::spawners::kubernetes
