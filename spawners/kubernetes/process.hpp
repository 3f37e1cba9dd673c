// Running somebody's program: no shell, a session of its own, never longer than it may take.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/task.hpp"

namespace passerelle::spawners::kubernetes {

struct Program {
  std::vector<std::string> words;                ///< The first is a path, or looked for on PATH.
  std::vector<std::string> variables;            ///< "NAME=value": its whole environment
  std::vector<std::pair<int, int>> descriptors;  ///< Ours -> its; 0 to 2 are /dev/null otherwise.
};

/// Errc::unavailable: it cannot be run.
Result<pid_t> start_program(Program program);

/// Its exit status, or 128 + signal. After `limit` SIGTERM, which lets it write down that it
/// failed; ten seconds later SIGKILL. Not to be cancelled: nobody else waits for the process.
Task<int> until_program_ended(pid_t pid, std::chrono::seconds limit);

}  // namespace passerelle::spawners::kubernetes
