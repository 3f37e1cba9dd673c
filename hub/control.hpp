// Control: how a command on this machine talks to the running gateway. A Unix socket in data_dir,
// for its owner only: no token to hand around. One line asks ("status", "status proxy", "upgrade",
// "reload"), one JSON document answers, then it closes.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>

#include "base/result.hpp"
#include "hub/parts.hpp"
#include "hub/succession/predecessors.hpp"

namespace passerelle::hub {

/// What the gateway answers to `passerelle status`: servers, counters, routes, and the `most`
/// oldest connections.
class Control {
 public:
  /// Says the one answer, and blocks for it: also when no loop runs any more.
  using Tell = std::function<void(const std::string& document)>;
  /// Somebody asks for another process in our place: "upgrade" or "reload". On the hub's loop.
  using Replace = std::function<void(std::string what, Tell tell)>;

  /// Binds data_dir/control.sock, mode 0600, over what an earlier gateway left.
  static Result<std::unique_ptr<Control>> make(Parts& parts,
                                               const Predecessors& predecessors,
                                               Replace replace);
  ~Control();

  Task<void> serve();  ///< Until the loop ends.
  /// The socket's file is our successor's.
  void leave_file() noexcept { inode_ = 0; }

 private:
  using Socket = asio::local::stream_protocol::socket;
  Control(Parts& parts,
          const Predecessors& predecessors,
          asio::local::stream_protocol::acceptor acceptor,
          Replace replace);
  Task<void> talk(std::shared_ptr<Socket> client);

  Parts& parts_;
  const Predecessors& predecessors_;
  asio::local::stream_protocol::acceptor acceptor_;
  const Replace replace_;
  std::uint64_t inode_ = 0;  ///< Ours: a successor's socket is not removed.
  int talking_ = 0;
};

/// Asks the gateway of that data_dir; blocking, for commands. Errc::unavailable when none runs
/// there.
Result<std::string> ask_gateway(const std::string& data_dir, const std::string& question);

}  // namespace passerelle::hub
