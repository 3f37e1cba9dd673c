// What the keys of one `type: ldap` mean for one another.
#pragma once

#include <string>

#include "config/marks.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

void check_ldap(const Authenticator& authenticator,
                const std::string& path,
                const Marks& marks,
                Problems& problems);

}  // namespace passerelle::config
