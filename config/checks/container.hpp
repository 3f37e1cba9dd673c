// What profiles and spawners that run containers mean for one another.
#pragma once

#include <string>

#include "config/marks.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

/// `spawner` runs containers.
bool runs_containers(const Spawner& spawner) noexcept;

/// One profile of such a spawner; `path` is "profiles[0]".
void check_container(const Profile& profile,
                     const std::string& path,
                     const Marks& marks,
                     Problems& problems);

/// A profile with a `chart`.
void check_chart(const Profile& profile,
                 const Spawner& spawner,
                 const std::string& path,
                 const Marks& marks,
                 Problems& problems);

/// Namespaces of people and groups, of one such spawner; `path` is "spawners.x".
void check_projects(const Spawner& spawner,
                    const std::string& path,
                    const Marks& marks,
                    Problems& problems);

/// `binds` of one such spawner; `path` is "spawners.x".
void check_binds(const Spawner& spawner,
                 const std::string& path,
                 const Marks& marks,
                 Problems& problems);

}  // namespace passerelle::config
