// What the operators say of a platform that people come from, whatever it speaks.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace passerelle::config {

struct LtiGrants {
  std::vector<std::string> groups;             ///< Everybody who comes from there.
  std::vector<std::string> instructor_groups;  ///< Who teaches there, as well.
  /// What usernames are made of: a launch field, a claim, or "custom_..."; empty: the first
  /// readable one.
  std::string username;
  std::optional<std::string> prefix;       ///< Of usernames; none: the authenticator's name.
  std::vector<std::string> frame_origins;  ///< "https://courses.example.org"
};

}  // namespace passerelle::config
