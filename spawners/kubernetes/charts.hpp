// Charts: servers as Helm releases. Helm only writes; what becomes of a release is read from the
// API: its Secret, its pods (one watch for all), its Service's endpoints. Stopping suspends a
// release whose chart knows `global.suspend`, so that disks stay; others are uninstalled.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "config/spawners/kubernetes.hpp"
#include "spawners/kubernetes/chart_desk.hpp"
#include "spawners/kubernetes/cluster.hpp"
#include "spawners/kubernetes/helm.hpp"
#include "spawners/kubernetes/lender.hpp"
#include "spawners/kubernetes/projects.hpp"
#include "spawners/kubernetes/release.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::kubernetes {

/// Which release is meant; what State holds.
struct Installation {
  std::string id;  ///< The launch's
  std::string release;
  std::string namespace_;
  std::string service;  ///< Empty: found out
  std::string port;     ///< A name; empty: found out
  std::string digest;   ///< Of the chart's archive
  bool suspends = false;
  std::string pods() const { return namespace_ + "/" + release; }  ///< In Cluster::releases
};

/// The values of the form, without what was chosen of a catalogue.
config::Values values_of(const ServerSpec& spec);

State to_state(const Installation& installation);
Result<Installation> installation_of(const State& state);

class Charts {
 public:
  Charts(config::KubernetesSpawner settings,
         std::shared_ptr<Projects> projects,
         std::string gateway,
         const Surroundings& around,
         ClusterPtr cluster);

  Task<Result<Started>> start(ServerSpec spec, Progress& progress);
  Task<Result<ChartOfferPtr>> offer(ServerSpec spec);
  Task<Result<CatalogueListPtr>> listed(config::KubernetesProfile profile);
  Task<Result<FilledForm>> filled(ChartOfferPtr offer, Filling filling);
  Task<std::vector<Gauge>> quota(std::string in_namespace, bool fresh);
  Task<Result<std::vector<Neighbour>>> neighbours(std::string in_namespace);
  Task<Result<std::string>> notes(Installation installation);
  Task<Result<void>> uninstall(ServerSpec spec);
  Task<Result<Liveness>> poll(Installation installation);
  Task<Result<Liveness>> wait_for_end(Installation installation);
  Task<Result<void>> stop(Installation installation);
  Task<Result<std::vector<std::pair<std::string, State>>>> found();

 private:
  // offer.cpp: what it begins with
  ForWhom whom_for(const ServerSpec& spec, const Installation& installation) const;
  Installation installation_for(const ServerSpec& spec, const ChartSource& source) const;
  Task<Result<ChartSourcePtr>> source_for(const ServerSpec& spec);
  Task<Result<config::KubernetesProfile>> settled_profile(const ServerSpec& spec);
  std::string archive_file(const std::string& digest) const;

  // charts.cpp: a release's way up
  Task<Result<Started>> start_or_undo(ServerSpec spec, Progress& progress);
  Task<Result<Started>> try_start(const ServerSpec& spec, Progress& progress);
  Task<Result<std::optional<Release>>> own_release(Installation installation);
  Task<Result<std::optional<Release>>> settled(Installation installation);
  Task<Result<void>> take_down(Installation installation);
  Task<Result<void>> room_for(std::string in_namespace, Demand demand);
  Quotas& quotas_of(const std::string& in_namespace);
  Task<Result<void>> install_until(const Installation& installation,
                                   std::string values,
                                   std::chrono::steady_clock::time_point until);

  // release_state.cpp: what the API says of one
  Task<Result<Upstream>> until_ready(Installation installation,
                                     Progress& progress,
                                     std::set<std::string> told);
  Error overdue(const Installation& installation) const;
  Task<Result<std::optional<Upstream>>> address_of(Installation installation);
  Task<std::optional<Error>> tell_events(const Installation& installation,
                                         Progress* progress,
                                         std::set<std::string>& told);
  Task<Error> with_log(const Installation& installation, Error why);
  Task<Result<void>> until_no_pods(Installation installation);
  Task<Result<void>> install(const Installation& installation, std::string values);

  config::KubernetesSpawner settings_;
  std::shared_ptr<Projects> projects_;
  std::string gateway_;
  std::string folder_;
  WorkerPool& workers_;
  ClusterPtr cluster_;
  std::shared_ptr<Helm> helm_;
  std::map<std::string, std::shared_ptr<Quotas>> quotas_;  ///< By namespace
  Catalogues catalogues_;
  Lender lender_;
  std::map<std::string, ChartSourcePtr> sources_;  ///< By the archive's file; read once
};

}  // namespace passerelle::spawners::kubernetes
