// `type: local`: on the gateway's own machine.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"

namespace passerelle::config {

struct StopTimes {
  seconds interrupt{10};  ///< After SIGINT.
  seconds terminate{10};  ///< After SIGTERM; then SIGKILL.
  seconds kill{5};        ///< After SIGKILL, until we report that it cannot be killed.
};

struct LocalSpawner {
  /// Empty: servers run as the gateway's own user. Else a template such as "{username}": a system
  /// user, needs root.
  std::string system_user;
  std::string workspace;     ///< Own-user mode: template of the server's home, default
                             ///< {data_dir}/workspaces/{username}
  std::uint64_t memory = 0;  ///< Bytes; 0: no limit.
  double cpu = 0;            ///< Cores; 0: no limit.
  std::uint32_t pids = 0;    ///< Processes and threads; 0: no limit.
  StopTimes stop;
};

}  // namespace passerelle::config
