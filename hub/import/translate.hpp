// What a JupyterHub's configuration and roles are in ours: a configuration file to begin with, and
// what has to be decided by hand.
#pragma once

#include "hub/import/traits.hpp"
#include "store/jupyterhub.hpp"

namespace passerelle::hub {

struct Translation {
  nlohmann::ordered_json settings;
  std::vector<std::string> advice;  ///< One line each: what was not translated, and what to write.
};

/// `data` may be empty: its roles are those that JupyterHub holds beside its own four.
Translation translate(const Traits& traits, const store::JupyterHubData& data);

/// As YAML, for people: block style, one key a line.
std::string to_yaml(const nlohmann::ordered_json& settings);

}  // namespace passerelle::hub
