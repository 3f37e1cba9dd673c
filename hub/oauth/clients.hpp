// Clients: who may ask us by OAuth who their visitors are: servers with `access: jupyterhub` while
// they are active, and services of the configuration.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/parts.hpp"

namespace passerelle::hub {

struct Client {
  std::string id;
  std::string secret;
  std::string redirect_uri;         ///< Compared byte for byte; often a path only.
  std::string title;                ///< "alice/gpu", "whoami"
  std::vector<std::string> scopes;  ///< What it may ask for: access to itself, who that is, more.
  ServerPtr server;                 ///< Null: a service,
  std::string service;              ///< of that name.
  bool confirm = true;              ///< Visitors other than a server's owner are asked.
};

std::optional<Client> find_client(const Parts& parts, std::string_view id);

/// Whether they may visit it at all.
bool may_visit(const auth::Principal& who, const Client& client);

}  // namespace passerelle::hub
