// What the keys of `type: oidc` mean for one another.
#pragma once

#include <string>

#include "config/marks.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

/// `path`: "authenticators.univ".
void check_oidc(const Settings& settings,
                const Authenticator& authenticator,
                const std::string& path,
                const Marks& marks,
                Problems& problems);

}  // namespace passerelle::config
