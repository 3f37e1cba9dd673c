// Pods: what the watch says of our pods, by launch, and who waits for news of one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spawners/kubernetes/watch.hpp"

namespace passerelle::spawners::kubernetes {

inline constexpr const char* kLaunchLabel = "passerelle/launch";
inline constexpr const char* kGatewayLabel = "passerelle/gateway";
inline constexpr const char* kSpawnerLabel = "passerelle/spawner";
inline constexpr const char* kStateAnnotation = "passerelle/state";

/// The few things that matter of a pod.
struct Pod {
  std::string name;
  std::string uid;
  std::string launch;
  std::string state;  ///< What its spawner wrote down
  std::string phase;  ///< Pending, Running, Succeeded, Failed, Unknown
  std::string ip;
  std::string container;  ///< Its first one's name
  std::string reason;     ///< Of the pod: "Evicted"
  std::string message;    ///< With it, or why no node can take it
  std::string waiting;    ///< Why its container waits: "ImagePullBackOff"
  std::string waiting_message;
  std::optional<int> exit_code;
  int restarts = 0;
  bool out_of_memory = false;  ///< Its last end
  bool unschedulable = false;
  bool ready = false;
  bool deleting = false;

  bool ended() const { return exit_code || phase == "Succeeded" || phase == "Failed"; }
  bool operator==(const Pod&) const = default;
};

/// Which label names the launch, whether only the container "notebook" counts, and whether the
/// label says enough: releases of one name may be in several namespaces ("labs/minilab-alice").
struct PodKind {
  const char* label = kLaunchLabel;
  bool only_notebook = true;
  bool by_namespace = false;
};

Pod pod_of(const Json& object, const PodKind& kind = {});

/// One loop.
class Pods final : public Watch::Listener {
 public:
  explicit Pods(PodKind kind = {}) : kind_(kind) {}
  void seen(const std::string& uid, const Json& object) override;
  void gone(const std::string& uid) override;
  void synced() override;

  bool is_synced() const noexcept { return synced_; }
  /// Null: there is none, as far as the watch knows.
  const Pod* of_launch(const std::string& launch) const;
  /// A copy: whether there was news is seen by comparing.
  std::optional<Pod> known(const std::string& launch) const;
  const std::map<std::string, Pod>& all() const noexcept { return by_uid_; }
  /// Returns when there is news of that launch's pod, or after `at_most`.
  Task<void> news(std::string launch, std::chrono::steady_clock::duration at_most);

 private:
  using Waiting = std::multimap<std::string, asio::steady_timer*>;  ///< By launch
  class Place;

  void tell(const std::string& launch);

  PodKind kind_;
  bool synced_ = false;
  std::map<std::string, Pod> by_uid_;
  std::map<std::string, std::string> uid_of_;  ///< By launch
  /// Shared with those who wait: their frames may outlive us.
  std::shared_ptr<Waiting> waiting_ = std::make_shared<Waiting>();
};

}  // namespace passerelle::spawners::kubernetes
