// Checks: what the values of a configuration mean for one another. Each value by itself is right
// already.
#pragma once

#include "config/load.hpp"
#include "config/marks.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

void check_together(const Settings& settings,
                    const Marks& marks,
                    const Environment& environment,
                    Problems& problems);

}  // namespace passerelle::config
