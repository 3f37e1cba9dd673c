// The processes of a server, from /proc. Used by its supervisor (whose descendants they are,
// because it is a subreaper) and by the gateway when the supervisor is gone. Facts of a moment:
// callers that kill ask again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace passerelle::spawners::local {

/// All living descendants of `root`, without `root`; zombies included until they are reaped.
std::vector<pid_t> descendants(pid_t root);

/// Processes whose environment holds exactly this "NAME=value" (only those that we may look into).
std::vector<pid_t> with_environment(std::string_view entry);

/// The entry that every process of a launch carries, unless it cleaned its environment.
inline std::string launch_mark(std::string_view launch_id) {
  return "PASSERELLE_LAUNCH=" + std::string(launch_id);
}

}  // namespace passerelle::spawners::local
