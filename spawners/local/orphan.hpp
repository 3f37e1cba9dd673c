// Orphan: what can be said and done about a launch whose supervisor is gone (killed, or the machine
// was restarted). Everything here is blocking and short; called on a worker. Nothing is ever
// signalled by a bare number: a process is held by a pidfd and recognised by its start time or its
// launch's mark first.
#pragma once

#include <optional>
#include <string>

#include "spawners/local/descriptor.hpp"
#include "spawners/local/order.hpp"
#include "spawners/local/place.hpp"

namespace passerelle::spawners::local {

struct Remains {
  std::optional<StartedRecord> started;
  std::optional<ExitRecord> ended;
  bool same_boot = true;
  std::string tail;  ///< The log's last lines, from the file
};
Remains read_remains(const Place& place);

/// A pidfd of exactly that process, or an empty one if it is gone, a zombie, or another has its
/// number now.
Descriptor hold(const ProcessId& process);
bool send_signal(const Descriptor& process, int signal);

/// SIGKILL for everything that carries the launch's mark or lives in its cgroup, until nothing is
/// left or `milliseconds` have passed; then removes the cgroup. False if something would not die.
bool end_remains(const std::string& launch_id, const Remains& remains, std::int64_t milliseconds);

}  // namespace passerelle::spawners::local
