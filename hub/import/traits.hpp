// jupyterhub_config.py as far as it can be read without running it: a bounded python3 takes the
// file apart (the ast module) and says which traits get a literal. Nothing of the file is executed.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace passerelle::hub {

struct Traits {
  struct Set {
    std::string name;  ///< "JupyterHub.port"
    nlohmann::json value;
    int line = 0;
  };
  struct Unread {
    int line = 0;
    std::string text;  ///< The line, cut
    std::string why;
  };
  std::vector<Set> set;  ///< In order; a later one wins.
  std::vector<Unread> unread;
};

/// Blocking, 10 s at most. Errc::unavailable: there is no python3; Errc::invalid: it is not Python,
/// or too large.
Result<Traits> read_traits(const std::string& file);

}  // namespace passerelle::hub
