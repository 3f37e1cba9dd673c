// What the values of a zero-to-jupyterhub release are in ours: its singleuser part, its people, its
// culling; and line by line what has to be decided by hand.
#pragma once

#include <string_view>

#include "hub/import/translate.hpp"

namespace passerelle::hub {

/// `values`: values.yaml as somebody wrote it, without the chart's own defaults. Errc::invalid: it
/// is no YAML, with its line.
Result<Translation> translate_z2jh(std::string_view values);

}  // namespace passerelle::hub
