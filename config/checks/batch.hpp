// What the keys of one `type: oar`, `type: slurm` and so on mean for one another.
#pragma once

#include <string>

#include "config/marks.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

/// A type whose servers are jobs.
bool is_batch(const Spawner& spawner);

void check_batch(const Settings& settings,
                 const Spawner& spawner,
                 const std::string& path,
                 const Marks& marks,
                 Problems& problems);

}  // namespace passerelle::config
