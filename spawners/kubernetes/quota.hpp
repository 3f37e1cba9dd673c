// Quota: how much of a namespace is used, as its ResourceQuotas tell, and what a release will ask
// for: shown in the form, and compared before Helm is called.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spawners/kubernetes/cluster.hpp"

namespace passerelle::spawners::kubernetes {

/// One resource; of several quotas the one with the least left.
struct Gauge {
  std::string quota;     ///< Its object's name
  std::string resource;  ///< "requests.cpu", "limits.memory", "requests.nvidia.com/gpu", "pods"
  std::string used;      ///< As Kubernetes writes it: "1500m", "3Gi"
  std::string hard;
  double share = 0;  ///< Used of hard, 0 to 1
};

/// By a quota's names for it, in cores, bytes or pieces.
using Demand = std::map<std::string, double>;

/// "250m", "1.5Gi", "2e3" as a number. Nothing for what is none.
std::optional<double> quantity(const std::string& text);
/// 0.25 of "requests.cpu" is "250m".
std::string quantity_text(const std::string& resource, double amount);

/// Of a ResourceQuotaList. Those that count only some pods (scopes) are left out.
std::vector<Gauge> gauges_of(const Json& list);

/// What the chart's own `resources` ask for, once: the least that a release needs. What its other
/// parts need, the cluster says.
Demand demand_of(const Json& values);

/// The first gauge that has no room for it.
const Gauge* too_full(const std::vector<Gauge>& gauges, const Demand& demand);
/// Cause::quota_user, in the words of Kubernetes.
Error quota_error(const Gauge& gauge, const Demand& demand);

/// One loop; shared with what it asks.
class Quotas : public std::enable_shared_from_this<Quotas> {
 public:
  Quotas(ClusterPtr cluster, std::string in_namespace)
      : cluster_(std::move(cluster)), namespace_(std::move(in_namespace)) {}

  /// Asks; empty when nobody answers within two seconds, or the account may not know.
  Task<std::vector<Gauge>> now();
  /// From memory, and asks behind the caller's back. Only the first one waits, half a second.
  Task<std::vector<Gauge>> lately();

 private:
  Task<Result<void>> ask();
  static Task<void> ask_behind(std::shared_ptr<Quotas> self);

  ClusterPtr cluster_;
  std::string namespace_;
  std::vector<Gauge> known_;
  std::optional<std::chrono::steady_clock::time_point> asked_;
  bool asking_ = false;
};

}  // namespace passerelle::spawners::kubernetes
