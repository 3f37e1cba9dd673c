// `type: dummy`: a name of one's choice and a password that a room shares.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "config/secret.hpp"

namespace passerelle::config {

struct DummyAuthenticator {
  Secret
      password;  ///< Empty only with `serve --dev`-like explicit `password: ""` refused elsewhere.
  std::uint32_t max_users = 0;   ///< Seats; 0: unlimited.
  std::optional<Instant> until;  ///< Nobody signs in afterwards; sessions end then too.
  bool claim = true;  ///< The first browser to take a name keeps it (PIN for another browser).
};

}  // namespace passerelle::config
