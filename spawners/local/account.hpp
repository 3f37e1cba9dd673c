// As whom and where a server runs: the gateway's own user in a workspace per person, or a system
// user in their home. Blocking (name service, file system): called on a worker.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "spawners/local/order.hpp"

namespace passerelle::spawners::local {

struct Account {
  std::string name;
  std::string home;
  std::string shell;
  std::string workspace;
  uid_t uid = 0;
  std::optional<RunAs> run_as;  ///< Empty: the gateway's own user
};

/// What the name service says of someone.
struct SystemUser {
  std::string name;
  std::string home;
  std::string shell;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

/// Refuses whom no server may run as, and a home that is missing or another's.
Result<Account> account_of(const SystemUser& user);

/// Own-user mode makes the workspace, 0700. Refuses with Cause::spawner_down what an administrator
/// must set right (no such user, uid 0, no login shell) and with Cause::storage_pending a home that
/// is missing or another's.
Result<Account> account_for(const config::LocalSpawner& settings,
                            const std::string& username,
                            const std::string& data_dir);

}  // namespace passerelle::spawners::local
