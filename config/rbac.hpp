// Roles, groups and services of the configuration, as plain structs: who may do what beyond what
// everybody and administrators may.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/secret.hpp"

namespace passerelle::config {

struct Role {
  std::string name;
  std::string description;
  std::vector<std::string> scopes;
  std::vector<std::string> users;  ///< As in People::users.
  std::vector<std::string> groups;
  std::vector<std::string> services;
};

/// Made at the start if it is not there; these users are added to it then, nobody is taken out.
struct Group {
  std::string name;
  std::vector<std::string> users;  ///< Usernames.
};

/// A program that speaks the API with a token of its own, and may ask who its visitors are.
struct Service {
  std::string name;
  Secret api_token;  ///< Managed ones may have none here: they get a new one at each start.
  bool admin = false;
  std::string url;           ///< Where it listens; empty: it has no pages. Shown at services/NAME/.
  std::string redirect_uri;  ///< Of its sign-in; empty: services/NAME/oauth_callback.
  std::vector<std::string> client_scopes;  ///< Beyond access:services of itself.
  bool confirm = true;                     ///< People are asked before their first visit.

  // Managed: we start it, and it ends with us.
  std::vector<std::string> command;                ///< Empty: somebody else starts it.
  std::map<std::string, std::string> environment;  ///< Wins over what we would set.
  std::string cwd;                                 ///< Absolute; empty: ours.
  std::string user;                                ///< Of the system; empty: ours.

  bool managed() const noexcept { return !command.empty(); }
};

struct Rbac {
  std::vector<std::string> custom_scopes;
  std::vector<Role> roles;
  std::vector<Group> groups;
  std::vector<Service> services;
};

}  // namespace passerelle::config
