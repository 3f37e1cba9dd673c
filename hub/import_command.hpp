// `passerelle import-jupyterhub`: takes over the people of a JupyterHub, and says what its
// configuration is in ours.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace passerelle::hub {

struct ImportOptions {
  std::string database;
  std::string traits;         ///< jupyterhub_config.py; empty: none
  std::string config;         ///< Our configuration file; empty: only tell, write nothing
  std::string authenticator;  ///< Empty: the first
  std::string profile;        ///< Empty: the first
};

CLI::App* add_import_command(CLI::App& cli, ImportOptions& options);

/// Exit code. On standard output the configuration, on standard error what was done.
int run_import_command(const ImportOptions& options);

}  // namespace passerelle::hub
