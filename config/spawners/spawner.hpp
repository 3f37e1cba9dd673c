// One entry of `spawners`. `type` picks the plug-in, which reads its own part only. What a type
// adds stands in a header of its own that only its plug-in and its keys include, so that a new key
// rebuilds few files.
#pragma once

#include <memory>
#include <string>

#include "config/spawners/local.hpp"

namespace passerelle::config {

struct BatchSpawner;       // config/spawners/batch.hpp
struct BatchProfile;       // likewise
struct KubernetesSpawner;  // config/spawners/kubernetes.hpp
struct KubernetesProfile;  // likewise
struct DockerSpawner;      // config/spawners/docker.hpp
struct ContainerProfile;   // config/spawners/container.hpp

struct Spawner {
  std::string name;
  std::string type;  ///< "local", ...
  LocalSpawner local;
  /// Null when the file sets nothing of it. Shared by copies, which is harmless: const after
  /// load().
  std::shared_ptr<BatchSpawner> batch;
  std::shared_ptr<KubernetesSpawner> kubernetes;
  std::shared_ptr<DockerSpawner> docker;
};

}  // namespace passerelle::config
