// What a server sees of the world: the variables it gets (an allow-list, never the gateway's own
// environment) and its command with the placeholders filled in. Pure functions; every spawner uses
// them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners {

using Environment = std::map<std::string, std::string>;

/// Where and as whom a server will run; what a spawner knows once it has chosen.
struct Surrounding {
  std::string user;  ///< Login name there
  std::string home;
  std::string shell;
  std::string workspace;  ///< Where the server starts; often the home
  std::string runtime;    ///< A private directory for sockets and the like; empty: none
  std::string socket;     ///< Empty: it listens on `port`
  std::uint16_t port = 0;
  std::uint64_t memory = 0;  ///< Bytes; 0: unlimited
  double cpu = 0;
  std::string address = "127.0.0.1";  ///< With `port`: what it listens on; inside a container, all
};

/// PATH, LANG, LC_ALL and TZ of this process, the server's own variables, and the profile's last.
/// Cause::values_invalid when the profile sets a variable that carries the secret or the address
/// (it could empty the token, or move it). In the profile's values {username}, {claim.NAME} and
/// {access_token} are filled in; a variable that names a claim the person has not is left out.
Result<Environment> environment_for(const ServerSpec& spec, const Surrounding& place);

/// The names that fill_in() knows: username, server_name, base_url, socket, port, workspace,
/// memory, and the values the user chose in the profile's form.
std::map<std::string, std::string> placeholders(const ServerSpec& spec, const Surrounding& place);

/// Replaces every {name}; {{name}} is the text "{name}", and a brace that opens no name stays (JSON
/// in an argument). What is put in is not looked at again. Cause::values_invalid for an unknown
/// name; {token} is one on purpose: arguments can be read by every user of the machine.
Result<std::string> fill_in(const std::string& text,
                            const std::map<std::string, std::string>& known);
Result<std::vector<std::string>> fill_in(const std::vector<std::string>& words,
                                         const std::map<std::string, std::string>& known);

/// A name as one component of a path, injectively: two different names never become the same
/// directory.
std::string path_component(const std::string& name);

}  // namespace passerelle::spawners
