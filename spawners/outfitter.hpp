// What some spawners hand to a server that was started elsewhere with nothing secret in hand: what
// it needs to come up, once it has proved to be that server. An interface of its own, as
// Forecaster.
#pragma once

#include <string>

#include "base/task.hpp"

namespace passerelle::spawners {

class Outfitter {
 public:
  virtual ~Outfitter() = default;
  /// Whether a server of that launch may come and ask now.
  virtual bool expects(const std::string& launch_id) const = 0;
  /// A script for the server's machine, full of secrets. Errc::forbidden: this proves nothing;
  /// Errc::unavailable: ask again. The hub's loop only.
  virtual Task<Result<std::string>> outfit(std::string launch_id, std::string proof) = 0;
};

}  // namespace passerelle::spawners
