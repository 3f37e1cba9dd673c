// Secret: a value of the configuration that is never shown.
#pragma once

#include <string>

namespace passerelle::config {

/// A secret that came from `key`, `key_file` or the environment; never printed by `config show` or
/// the log.
struct Secret {
  std::string value;
  bool empty() const noexcept { return value.empty(); }
};

}  // namespace passerelle::config
