// `passerelle chart`: for people who write charts and catalogues. Needs no gateway and no cluster.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace passerelle::hub {

struct ChartOptions {
  std::string verb;
  std::string chart;      ///< Folder or .tgz
  std::string context;    ///< A JSON file; empty: nothing is known of the person
  std::string roles;      ///< Comma-separated
  std::string overrides;  ///< Folder; empty: none
};

/// Declares `chart initial-values`; returns the command, to see whether it was asked for.
CLI::App* add_chart_command(CLI::App& cli, ChartOptions& options);

/// Exit code.
int run_chart_command(const ChartOptions& options);

}  // namespace passerelle::hub
