// LiveLog: what a container prints while a launch waits for it, told once and in order.
#pragma once

#include <string>

#include "spawners/kubernetes/cluster.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::kubernetes {

class LiveLog {
 public:
  explicit LiveLog(std::string container = {}) : container_(std::move(container)) {}

  /// New whole lines of that pod's container (the pod's first one, unless named); of one that was
  /// started again, from its beginning. The first 64 KiB of each.
  Task<void> tell(Api& api, std::string namespace_, Pod pod, Progress& progress);

 private:
  std::string container_;
  std::string uid_;
  int restarts_ = 0;
  std::size_t told_ = 0;  ///< Bytes
};

}  // namespace passerelle::spawners::kubernetes
