// Link: how two processes of the gateway talk while one follows the other: a pair of connected
// sockets that carry whole messages (JSON) and descriptors with them. When one process ends,
// whatever ends it, the other one sees it.
#pragma once

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace passerelle::hub {

/// One end. Not for several threads at once.
class Link {
 public:
  struct Message {
    nlohmann::json body;   ///< An object.
    std::vector<int> fds;  ///< The receiver's to close.
  };
  static constexpr std::size_t kMostBytes = 128U << 10U;  ///< Of a message.
  static constexpr std::size_t kMostFds = 200;

  static Result<std::pair<Link, Link>> make_pair();
  Link() = default;
  explicit Link(int fd) : fd_(fd) {}
  Link(Link&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Link& operator=(Link&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Link();

  int fd() const noexcept { return fd_; }
  /// Errc::exhausted: the other end did not take it in time. Errc::unavailable: it is gone.
  Result<void> send(const nlohmann::json& body,
                    const std::vector<int>& fds = {},
                    std::chrono::milliseconds longest = {});
  /// Nothing: none came in time. Errc::unavailable: the other end is gone.
  Result<std::optional<Message>> receive(std::chrono::milliseconds longest = {});

 private:
  bool wait(short events, std::chrono::milliseconds longest) const noexcept;

  int fd_ = -1;
};

}  // namespace passerelle::hub
