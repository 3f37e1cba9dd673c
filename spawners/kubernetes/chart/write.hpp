// YAML for people to read and to take along.
#pragma once

#include <string>

#include "spawners/kubernetes/chart/json.hpp"

namespace passerelle::spawners::chart {

/// Block style; texts that YAML could read as something else are quoted. Any reader of YAML 1.1 or
/// 1.2 gets the same values back.
std::string to_yaml(const Json& value);

}  // namespace passerelle::spawners::chart
