// What the keys of one `type: oar` or `type: slurm` mean for one another.
#pragma once

#include <string>

#include "config/marks.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

void check_batch(const Settings& settings,
                 const Spawner& spawner,
                 const std::string& path,
                 const Marks& marks,
                 Problems& problems);

}  // namespace passerelle::config
