// `type: kubernetes`: servers as pods of a cluster.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace passerelle::config {

struct KubernetesSpawner {
  std::string kubeconfig;  ///< A file; empty: the account of the pod that the gateway runs in.
  std::string context;     ///< Of that file; empty: its current one.
  std::string namespace_;  ///< Where pods run; empty: the context's, or the gateway's own.
  /// Images that a person may choose by a form: "jupyter/*:2026-*"; `*` stops at a slash.
  std::vector<std::string> images;
  std::string pull = "IfNotPresent";           ///< Always, IfNotPresent, Never
  std::string pull_secret;                     ///< For a private registry; empty: none.
  std::string volume = "claim-{user_server}";  ///< The person's claim; z2jh's name.
  std::string storage;             ///< Its size: "10Gi"; empty: no claim, nothing is kept.
  std::string storage_class;       ///< Empty: the cluster's own choice.
  std::vector<std::string> binds;  ///< "/srv/data:/data:ro": folders of the nodes, for every pod.
  std::string service_account;     ///< Empty: the namespace's default, without its token.
  std::uint64_t memory = 0;        ///< Bytes; 0: no limit.
  double cpu = 0;
  std::uint64_t memory_guarantee = 0;
  double cpu_guarantee = 0;
  seconds stop_patience{10};  ///< After SIGTERM, until SIGKILL.
};

}  // namespace passerelle::config
