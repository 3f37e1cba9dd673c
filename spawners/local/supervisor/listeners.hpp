// Who listens where: joins /proc/net with the descriptors of a server's processes. The answer to
// "is it really our server behind that address", without sending a byte to whoever it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace passerelle::spawners::local {

struct Listener {
  std::string host;  ///< An address to connect to: "any" is written as its loopback
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
};

/// The sockets in state LISTEN of /proc/net/tcp or tcp6.
std::vector<Listener> parse_tcp_table(std::string_view table);

struct Listening {
  std::vector<Listener> ours;
  bool stranger_on_port = false;  ///< Someone else listens on the port that was meant for us
};
/// `expected`: the port meant for this server; 0 if none.
Listening tcp_listeners(const std::vector<pid_t>& processes, std::uint16_t expected);

/// True if `socket` accepts and the process that listens is one of `processes`.
bool listens_on_socket(const std::string& socket, const std::vector<pid_t>& processes);

}  // namespace passerelle::spawners::local
