// What a JupyterHub keeps in its SQLite database (schemas of JupyterHub 2 to 6), read for
// `passerelle import-jupyterhub`. Changes nothing there. Blocking.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace passerelle::store {

struct JupyterHubData {
  struct User {
    std::string name;
    bool admin = false;
    std::optional<Instant> last_activity;
    std::vector<std::string> groups;
  };
  struct Group {
    std::string name;
    std::string properties = "{}";
  };
  struct Server {
    std::string user;
    std::string name;
    std::string options = "{}";  ///< JSON
    std::optional<Instant> last_activity;
    bool running = false;
  };
  struct Token {
    std::string user;  ///< Empty: a service's.
    std::string prefix;
    std::string hashed;
    std::string client;  ///< "jupyterhub": made by a person.
    std::string note;
    std::vector<std::string> scopes;
    std::optional<Instant> created;
    std::optional<Instant> expires;
  };
  struct Role {
    std::string name;
    std::vector<std::string> scopes;
    std::vector<std::string> users;
    std::vector<std::string> groups;
    std::vector<std::string> services;
  };

  std::vector<User> users;
  std::vector<Group> groups;
  std::vector<Server> servers;
  std::vector<Token> tokens;
  std::vector<Role> roles;
};

/// Errc::invalid: not a database of JupyterHub, or one before 2.0 (no roles).
Result<JupyterHubData> read_jupyterhub(const std::string& path);

}  // namespace passerelle::store
