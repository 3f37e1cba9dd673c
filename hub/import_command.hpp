// `passerelle import-jupyterhub`: takes over the people of a JupyterHub, and says what its
// configuration is in ours. `passerelle import-z2jh`: the same for the values of a
// zero-to-jupyterhub release, which hold no people.
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

/// `values`: values.yaml.
CLI::App* add_z2jh_command(CLI::App& cli, std::string& values);
/// Exit code. The configuration on standard output, below it one comment for each thing that was
/// not translated.
int run_z2jh_command(const std::string& values);

}  // namespace passerelle::hub
