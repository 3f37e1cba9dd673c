// `passerelle lti check`: a launch that was refused, pasted by who operates the gateway: why. Needs
// the configuration, no running gateway; what only its database knows (used before?) is not told.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace passerelle::hub {

struct LtiOptions {
  std::string config;
  std::string url;     ///< The address that was launched; empty: /hub/lti/launch of public_url.
  std::string launch;  ///< A file; "-": standard input.
};

/// Declares `lti check`; returns the command, to see whether it was asked for.
CLI::App* add_lti_command(CLI::App& cli, LtiOptions& options);

/// Exit code: 0, it would be accepted; 1, refused, or the configuration cannot be used.
int run_lti_command(const LtiOptions& options);

}  // namespace passerelle::hub
