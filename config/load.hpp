// Loading: a configuration file becomes Settings, or the list of everything that is wrong with it.
// Reads files (secrets, the logo), starts nothing, connects to nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

/// What the surroundings say; a value, so that tests can say something else.
struct Environment {
  std::map<std::string, std::string> variables;
  Instant now;        ///< To warn of dates that are over.
  bool root = false;  ///< Are we the superuser? `system_user` needs it.

  static Environment of_process();
};

struct LoadOutcome {
  std::optional<Settings>
      settings;  ///< Present when there is no error; warnings may still stand in `problems`.
  std::vector<Problem> problems;  ///< In the order of the file.
  std::string file;

  /// One line per problem, "file:line:column: message".
  std::string text() const;
};

LoadOutcome load(const std::string& path, const Environment& environment);

/// The same for a text that was read already. `file` names it in messages; relative paths start at
/// its directory.
LoadOutcome load_text(std::string_view text,
                      const std::string& file,
                      const Environment& environment);

}  // namespace passerelle::config
