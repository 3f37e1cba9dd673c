#include "config/checks/local.hpp"

namespace passerelle::config {

void check_local(const Spawner& spawner,
                 const std::string& path,
                 const Environment& environment,
                 const Marks& marks,
                 Problems& problems) {
  const auto error = [&](const std::string& key, const std::string& why) {
    problems.error(marks.of(path + key), path + key + ": " + why);
  };
  const std::string& user = spawner.local.system_user;
  const std::string& workspace = spawner.local.workspace;
  if (!user.empty() && !environment.root) {
    problems.warning(marks.of(path + ".system_user"),
                     path +
                         ".system_user: servers can only run as other users when the gateway is "
                         "started by root; this check is not run by root");
  }
  if (!user.empty() && !workspace.empty()) {
    error(".workspace",
          "has no meaning together with `system_user`, whose own home is taken; remove one of "
          "them");
  }
  if (!workspace.empty() && workspace.find("{username}") == std::string::npos)
    error(".workspace", "all users would share one directory; write `{username}` into it");
  if (user == "root" || user == "0")
    error(".system_user", "servers never run as root; write `\"{username}\"`");
}

}  // namespace passerelle::config
