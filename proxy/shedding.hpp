// Shedding: what happens when too many clients do not take what is sent to them. All that a proxy
// thread keeps for slow sides counts against max_buffered, and before the machine has no memory
// left, connections go: first by ending with their request, then by not being accepted, at last
// those that hold most are cut.
#pragma once

#include "proxy/lane.hpp"

namespace passerelle::proxy {

/// Where `kept` stands against `most` (0: no bound): from a half, from three quarters, and above
/// it.
Pressure pressure_of(std::uint64_t kept, std::uint64_t most) noexcept;

/// Every tick, on the lane's thread. Connections may end in it.
void shed(Lane& lane) noexcept;

}  // namespace passerelle::proxy
