// `profiles[].domain`: below which name a profile's servers have host names of their own.
#pragma once

#include <string>

#include "config/settings.hpp"
#include "config/spawners/container.hpp"

namespace passerelle::config {

/// "lab.example.fr"; empty: its servers stand below "/user/".
inline std::string domain_of(const Profile& profile) {
  return profile.container ? profile.container->domain : std::string();
}

}  // namespace passerelle::config
