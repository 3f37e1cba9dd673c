// `type: lti11`: launches that a learning platform signs (LTI 1.1, 1.1.1 and 1.2).
#pragma once

#include <string>

#include "base/clock.hpp"

namespace passerelle::config {

struct Lti11Authenticator {
  std::string consumers;  ///< The file of platforms and their secrets: config/lti_consumers.hpp.
  seconds window{300};    ///< A launch's time may differ from ours by that much.
};

}  // namespace passerelle::config
