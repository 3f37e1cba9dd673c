// What the gateway does to bring a supervisor up and to see whether it lives: the launch's
// directory, its lock, and one posix_spawn. Blocking, short: called on a worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/result.hpp"
#include "spawners/local/descriptor.hpp"
#include "spawners/local/order.hpp"
#include "spawners/local/place.hpp"

namespace passerelle::spawners::local {

/// Makes the directory and server/ in it, which belongs to `owner` if given. Errc::conflict if it
/// exists already.
Result<void> make_place(const Place& place, const std::optional<RunAs>& owner);
/// Removes the directory and all in it, following no link. Already gone is success.
Result<void> remove_place(const Place& place);

struct SpawnedSupervisor {
  Descriptor socket;  ///< The order goes in, events come out
  pid_t pid = 0;      ///< Our child, to be reaped
};
/// The supervisor inherits the launch's lock, and keeps it until it ends, whatever becomes of us.
Result<SpawnedSupervisor> spawn_supervisor(const std::string& program,
                                           const std::string& launch_id,
                                           const Place& place);

/// True as long as a supervisor holds the launch's lock, even one that has not opened its control
/// socket yet.
bool supervisor_alive(const Place& place);

/// A TCP port that was free a moment ago. Nobody can keep it for the server; who listens there in
/// the end is checked.
Result<std::uint16_t> pick_port();

}  // namespace passerelle::spawners::local
