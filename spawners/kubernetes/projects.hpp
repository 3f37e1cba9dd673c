// Projects: namespaces of people and of groups, made when somebody first starts something there,
// with what the operators' file puts into each of them (quota, limits, who may talk to whom).
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/worker_pool.hpp"
#include "config/spawners/kubernetes.hpp"
#include "spawners/kubernetes/cluster.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::kubernetes {

/// Among a launch's values: the group in whose project it runs. None: the person's own.
inline constexpr const char* kChosenProject = "@project";

struct Project {
  std::string group;       ///< Empty: the person's own
  std::string namespace_;  ///< Also `project.id`
  std::string owner;       ///< The user's or the group's name
};

/// The documents of a project's file, with {namespace} and {owner} filled in: Namespace (its labels
/// and annotations), ResourceQuota, LimitRange, NetworkPolicy, RoleBinding. Errc::invalid: another
/// kind, or no YAML.
Result<std::vector<Json>> project_objects(std::string_view yaml, const Project& project);

/// "/api/v1/namespaces/labs/pods", or of all namespaces when there may be several. The settings say
/// which namespace (they always do, once a spawner has them).
std::string pods_path(const config::KubernetesSpawner& settings);

/// One loop.
class Projects {
 public:
  /// `gateway`: whose namespaces these are.
  Projects(const config::KubernetesSpawner& settings,
           std::string gateway,
           WorkerPool& workers,
           ClusterPtr cluster);

  /// Where a launch runs. Cause::values_invalid: a group that is no project of this person.
  Result<Project> of(const ServerSpec& spec) const;
  /// All that this person may choose; their own first. One: there is nothing to choose.
  std::vector<Project> all_of(const ServerSpec& spec) const;
  /// Not the one namespace of everybody.
  bool is_project(const std::string& namespace_) const {
    return several_ && namespace_ != pattern_;
  }
  /// It is there, ours, and has what belongs into it; pods may be made. Asks the API each time;
  /// what the file says is put in once in a process. Errc::conflict: somebody else's namespace.
  Task<Result<void>> prepare(Project project);
  /// Those that exist.
  Task<Result<std::vector<std::string>>> existing();

 private:
  Task<Result<void>> make(Project project, Json about);
  Task<Result<void>> put_in(std::string namespace_, Json object);
  Task<Result<void>> until_pods_may_be_made(std::string namespace_);
  std::string name_for(const std::string& pattern, const std::string& what) const;

  std::string pattern_;        ///< "labs", "user-{username}"
  std::string group_pattern_;  ///< "project-{group}"; empty: groups have none
  std::vector<std::string> groups_;
  std::string file_;
  std::string gateway_;
  bool several_;
  WorkerPool& workers_;
  ClusterPtr cluster_;
  std::set<std::string> ready_;  ///< With all that belongs there
};

}  // namespace passerelle::spawners::kubernetes
