// Kernels: whether a Jupyter server computes at this moment, by its own word (GET api/kernels). A
// kernel that works for hours without printing makes no traffic, and says nothing by itself.
#pragma once

#include "hub/launcher.hpp"

namespace passerelle::hub {

enum class KernelWork {
  none,     ///< All rest, or it is no Jupyter server.
  busy,     ///< One computes.
  unknown,  ///< It did not answer in time.
};

/// Asks past the proxy: that is no use of the server. At most five seconds.
Task<KernelWork> ask_kernels(HttpClient& http, const SpawnerMap& spawners, ServerPtr server);

/// What an answer says; pure.
KernelWork read_kernels(int status, std::string_view body);

}  // namespace passerelle::hub
