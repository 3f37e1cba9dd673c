// `type: pam`: the accounts of this machine.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"

namespace passerelle::config {

struct PamAuthenticator {
  std::string service = "login";  ///< Below /etc/pam.d.
  std::uint32_t min_uid = 1000;   ///< Below it are the system's own accounts.
  seconds deadline{15};           ///< A try that takes longer is given up.
};

}  // namespace passerelle::config
