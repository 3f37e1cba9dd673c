// The configuration of `serve --dev`: no file, one password, this machine's own Jupyter, for this
// machine only.
#pragma once

#include <string>

#include "base/result.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

/// Loopback listener on port 8000, one authenticator `dev` with this password and without claims,
/// everybody may sign in, one local spawner `here` and one profile: the first of jupyter-lab,
/// jupyter-notebook, jupyter-server on PATH. data_dir is $XDG_DATA_HOME/passerelle/dev or ./.dev.
/// Servers end with the gateway. Errc::not_found, with what to install, if no Jupyter is on PATH.
Result<Settings> dev_settings(std::string password, const Environment& environment);

}  // namespace passerelle::config
