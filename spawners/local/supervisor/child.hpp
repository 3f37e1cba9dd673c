// The server's own process: forked, kept waiting until everything about it is written down, then
// made into the server.
#pragma once

#include <sys/types.h>

#include "base/result.hpp"
#include "spawners/local/descriptor.hpp"
#include "spawners/local/order.hpp"

namespace passerelle::spawners::local {

/// A child that waits. It ends by itself when `go` is closed without a byte (we died before it was
/// written down).
struct Child {
  pid_t pid = 0;
  Descriptor go;       ///< One byte lets it run
  Descriptor failure;  ///< Ends empty when the program runs; else holds a ChildFailure
  Descriptor output;   ///< Its stdout and stderr; non-blocking
};

/// What stopped the child before its program ran.
struct ChildFailure {
  int step = 0;
  int error = 0;
};

Result<Child> fork_child(const Order& order);

struct ExecOutcome {
  bool executed = false;
  std::string sentence;  ///< Else: "jupyter-lab: command not found"
};
/// Lets the child go and waits (milliseconds) until its program runs or could not; it then ends
/// with 127 (not found) or 126 (anything else).
ExecOutcome let_go(Child& child, const Order& order);

}  // namespace passerelle::spawners::local
