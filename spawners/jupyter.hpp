// Jupyter's own options: what `jupyter lab`, `jupyter notebook` and their relatives must be told to
// serve behind a gateway. Checked with jupyter-server 1.23.3 and notebook 6.4.12; their secret
// travels in JUPYTER_TOKEN.
#pragma once

#include <string>
#include <vector>

#include "spawners/environment.hpp"

namespace passerelle::spawners {

/// To be appended to `command`, after the user's own options, so that the address cannot be moved;
/// empty when the command is no Jupyter server.
std::vector<std::string> jupyter_options(const std::vector<std::string>& command,
                                         const std::string& base_path,
                                         const Surrounding& place,
                                         bool as_root);

}  // namespace passerelle::spawners
