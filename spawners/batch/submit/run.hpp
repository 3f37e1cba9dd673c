// Runs one command of the batch system with a deadline. A command that does not end in time is left
// behind: it is often setuid, so that we could not kill it.
#pragma once

#include <chrono>
#include <string>

#include "spawners/batch/job.hpp"

namespace passerelle::spawners::batch::submit {

/// The caller ignores SIGPIPE. Any thread. `input` goes to its standard input. It gets PATH, HOME,
/// USER, LOGNAME, LANG and SLURM_TIME_FORMAT, nothing else.
Answer run(const Argv& argv, const std::string& input, std::chrono::milliseconds deadline);

}  // namespace passerelle::spawners::batch::submit
