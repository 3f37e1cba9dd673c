// KubeSpawner's profile_list as our profiles.
#pragma once

#include "hub/import/z2jh_values.hpp"

namespace passerelle::hub::z2jh {

/// Texts of `place`, a map of variables; what stands in Secrets and the like is told.
void add_environment(const Place& place, Ordered& environment, std::vector<std::string>& advice);

/// `settings` has one spawner, "cluster", and one profile, which becomes one for each of `list`.
/// What a spawner says in ours and a profile there gets a spawner of its own.
void add_profiles(const Place& list, Ordered& settings, std::vector<std::string>& advice);

}  // namespace passerelle::hub::z2jh
