// Facts about processes that tell one pid from its next owner. Linux /proc; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace passerelle::process {

std::string boot_id();  ///< New at every boot of the machine.
/// Start time of a live process in clock ticks since boot (field 22 of /proc/PID/stat); nothing if
/// it is gone or a zombie.
std::optional<std::uint64_t> start_time(pid_t pid);

}  // namespace passerelle::process
