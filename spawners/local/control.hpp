// The gateway's end of a supervisor's sockets: JSON lines over Asio. On the hub's loop.
#pragma once

#include <chrono>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>
#include <nlohmann/json.hpp>

#include "base/task.hpp"
#include "spawners/local/descriptor.hpp"

namespace passerelle::spawners::local {

class Line {
 public:
  explicit Line(asio::any_io_executor executor) : socket_(std::move(executor)) {}

  /// Takes a connected socket over.
  Result<void> adopt(Descriptor socket);
  /// Errc::unavailable when nobody listens there.
  Task<Result<void>> connect(std::string path);
  Task<Result<void>> send(std::string text);
  /// Errc::unavailable at the end of the conversation, Errc::cancelled, Errc::invalid for a line
  /// that is no object.
  Task<Result<nlohmann::json>> next();

 private:
  asio::local::stream_protocol::socket socket_;
  std::string buffer_;
};

/// Connects, asks, and returns the one answer; waits for it as long as it takes, without cost.
Task<Result<nlohmann::json>> ask(std::string path, nlohmann::json request);

}  // namespace passerelle::spawners::local
