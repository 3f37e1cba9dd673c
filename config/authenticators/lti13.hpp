// `type: lti13`: launches from platforms that sign with a key of their own (LTI 1.3).
#pragma once

#include <string>

#include "base/clock.hpp"

namespace passerelle::config {

struct Lti13Authenticator {
  std::string platforms;  ///< The file of platforms: config/lti_platforms.hpp.
  seconds leeway{60};     ///< Between the platforms' clocks and ours.
  seconds max_age{600};   ///< Of an id_token, by its own word.
  std::string ca_file;    ///< Trusted for platforms instead of the system's; empty: the system's.
};

}  // namespace passerelle::config
