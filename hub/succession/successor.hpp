// Successor: the process that takes over from us, as we see it until it has. Everything up to
// commit() can be taken back: it is killed, and we go on.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "hub/succession/link.hpp"
#include "proxy/endpoint.hpp"

namespace passerelle::hub {

/// How this process was started, to start the next one in the same way.
struct Program {
  std::string path;                    ///< Absolute; a newer program may stand there by now.
  std::vector<std::string> arguments;  ///< The whole argv.
  std::vector<std::string> variables;  ///< "NAME=value", besides our own environment.
  bool has_file = false;               ///< It reads a configuration file.
};

/// The program of this process: argv[0] as the shell would find it, so that a link may lead to
/// another version meanwhile.
Program program_of(int argc, char** argv);

/// What our memory alone knows. Secret.
struct Legacy {
  std::vector<proxy::ListeningSockets> sockets;  ///< Stay ours.
  std::vector<int> predecessors;                 ///< Links to those before us; stay ours.
  std::string ticket_keys;
};

class Successor {
 public:
  /// Starts `path` (Program::path, or our own file) in the way of `program`.
  static Result<Successor> start(const std::string& path,
                                 const Program& program,
                                 const std::string& data_dir);
  Successor(Successor&&) noexcept;
  Successor& operator=(Successor&&) = delete;
  ~Successor();  ///< Before commit(): kills it.

  pid_t pid() const noexcept { return pid_; }
  /// Until it has read its configuration and found it good. Errors are what it says is wrong.
  Task<Result<void>> until_ready(seconds longest);
  /// Blocking: hands over a copy of everything, and waits until it could begin at once. We have
  /// stopped by then, and go on if this fails.
  Result<void> give(const Legacy& legacy, seconds longest);
  /// From here on it is the gateway. The link is what we stay connected by.
  Result<Link> commit();
  const std::string& version() const noexcept { return version_; }

 private:
  Successor(pid_t pid, Link link) : pid_(pid), link_(std::move(link)) {}
  /// Nothing: it has not said anything yet.
  Result<std::optional<nlohmann::json>> hear(milliseconds longest);
  Error why_it_ended();

  pid_t pid_;
  bool ours_ = true;  ///< To kill.
  Link link_;
  std::string version_;
};

}  // namespace passerelle::hub
