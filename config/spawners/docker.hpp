// `type: docker`: servers as containers of one Docker engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace passerelle::config {

struct DockerSpawner {
  std::string socket = "/var/run/docker.sock";  ///< The Engine API, on this machine.
  /// Images that a person may choose by a form: "jupyter/*:2026-*"; `*` stops at a slash.
  std::vector<std::string> images;
  std::string pull = "missing";  ///< "missing": an image that is not there is fetched; "never".
  std::string network = "bridge";
  /// "port": through a port on this machine's loopback; "network": the container's own address.
  std::string reach = "port";
  std::string volume = "passerelle-{user}";  ///< Of each person; empty: nothing is kept.
  std::vector<std::string> binds;            ///< "/srv/data:/data:ro", for every container.
  std::uint64_t memory = 0;                  ///< Bytes; 0: no limit.
  double cpu = 0;
  std::uint32_t pids = 0;
  seconds stop_patience{10};  ///< After SIGTERM, until SIGKILL.
};

}  // namespace passerelle::config
