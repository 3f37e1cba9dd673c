// What servers in containers have in common, whoever runs them: command and environment as the
// container sees them, and names that a user's name may become part of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spawners/environment.hpp"

namespace passerelle::spawners {

struct ContainerPlan {
  std::vector<std::string> command;  ///< Empty: the image's own
  Environment environment;           ///< Beside the image's own: nothing of this machine
};

/// `place`: the port, the home (workspace) and the limits; the rest is the image's business.
/// Cause::values_invalid as environment_for and fill_in.
Result<ContainerPlan> plan_container(const ServerSpec& spec, Surrounding place);

/// An image as the profile writes it, with the form's values in it. What stands there as it is, the
/// operator has chosen; what a person can choose must match one of `patterns` ("jupyter/*:2026-*",
/// `*` stops at a slash). Cause::values_invalid.
Result<std::string> allowed_image(const std::string& written,
                                  const std::map<std::string, std::string>& values,
                                  const std::vector<std::string>& patterns);

/// A name as part of the names of volumes, pods and the like, injectively, as kubespawner 7 has it:
/// kept when it is lower-case letters, digits and single hyphens, begins with a letter, ends with
/// none of "-" and is at most 48 long; else its readable rest, "---" and eight digits of a hash.
std::string safe_name(const std::string& name);

/// Of a user's server: "alice", "alice--lab".
std::string safe_name(const std::string& user, const std::string& server);

}  // namespace passerelle::spawners
