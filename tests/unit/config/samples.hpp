// What the tests of config/ share: a configuration without a fault, and surroundings that never
// change.
#pragma once

#include <string>

#include "config/load.hpp"

namespace passerelle::config::test {

inline const std::string kGood = R"(data_dir: /var/lib/passerelle
authenticators:
  room: {type: dummy, password: correct-horse, groups: [people]}
access: {allow: {groups: [people]}}
spawners:
  here: {type: local}
profiles:
  - {name: notebook, spawner: here, command: [jupyter-lab]}
)";

/// The first of November 2026, no variables, not root.
inline Environment quiet() {
  Environment environment;
  environment.now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 1);
  return environment;
}

inline LoadOutcome load_good_with(const std::string& more,
                                  const Environment& environment = quiet()) {
  return load_text(kGood + more, "/etc/passerelle/hub.yaml", environment);
}

inline std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  return at == std::string::npos ? std::string() : text.replace(at, what.size(), by);
}

}  // namespace passerelle::config::test
