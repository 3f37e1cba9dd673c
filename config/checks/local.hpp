// What the keys of one `type: local` mean for one another.
#pragma once

#include <string>

#include "config/load.hpp"
#include "config/marks.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

void check_local(const Spawner& spawner,
                 const std::string& path,
                 const Environment& environment,
                 const Marks& marks,
                 Problems& problems);

}  // namespace passerelle::config
