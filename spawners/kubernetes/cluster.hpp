// Cluster: the API and what its watches keep; shared with the watches' own coroutines.
#pragma once

#include <memory>

#include <boost/asio/cancellation_signal.hpp>

#include "spawners/kubernetes/pods.hpp"

namespace passerelle::spawners::kubernetes {

/// Charts label their pods so.
inline constexpr const char* kReleaseLabel = "app.kubernetes.io/instance";

struct Cluster {
  Cluster(asio::io_context& loop, Access access, const std::string& pods_path, std::string selector)
      : api(loop, std::move(access)),
        watch(api, pods_path, std::move(selector), pods),
        watch_releases(api, pods_path, kReleaseLabel, releases) {}
  Api api;
  Pods pods;                                    ///< Ours, by launch
  Pods releases{{kReleaseLabel, false, true}};  ///< Of charts, by namespace and release
  Watch watch;
  Watch watch_releases;
  asio::cancellation_signal end;
  asio::cancellation_signal end_releases;
};
using ClusterPtr = std::shared_ptr<Cluster>;

}  // namespace passerelle::spawners::kubernetes
