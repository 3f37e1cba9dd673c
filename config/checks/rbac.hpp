// Roles, groups and services: that what they name exists. Scopes themselves are judged by
// auth/roles.
#pragma once

#include "config/marks.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

void check_rbac(const Settings& settings, const Marks& marks, Problems& problems);

/// `access: jupyterhub` of one profile; `path` is "profiles[0]".
void check_access(const Profile& profile,
                  const std::string& path,
                  const Marks& marks,
                  Problems& problems);

}  // namespace passerelle::config
