// Control: how a command on this machine talks to the running gateway. A Unix socket in data_dir,
// for its owner only: no token to hand around. One line asks, one JSON document answers, then it
// closes.
#pragma once

#include <string>

#include <boost/asio/local/stream_protocol.hpp>

#include "base/result.hpp"
#include "hub/parts.hpp"

namespace passerelle::hub {

/// What the gateway answers to `passerelle status`: servers, counters, routes, and the `most`
/// oldest connections.
class Control {
 public:
  /// Binds data_dir/control.sock, mode 0600, over what an earlier gateway left.
  static Result<std::unique_ptr<Control>> make(Parts& parts);
  ~Control();

  Task<void> serve();  ///< Until the loop ends.

 private:
  using Socket = asio::local::stream_protocol::socket;
  Control(Parts& parts, asio::local::stream_protocol::acceptor acceptor);
  Task<void> talk(std::shared_ptr<Socket> client);

  Parts& parts_;
  asio::local::stream_protocol::acceptor acceptor_;
  std::uint64_t inode_ = 0;  ///< Ours: a successor's socket is not removed.
  int talking_ = 0;
};

/// Asks the gateway of that data_dir; blocking, for commands. Errc::unavailable when none runs
/// there.
Result<std::string> ask_gateway(const std::string& data_dir, const std::string& question);

}  // namespace passerelle::hub
