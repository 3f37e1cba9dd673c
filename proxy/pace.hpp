// Pace: whether a client that has to send or to take bytes does so fast enough. One that sends a
// byte a minute keeps every time limit for silence and yet holds a connection, and a server, for
// ever. The kernel's own counts of received and acknowledged bytes are compared, once a window and
// only while the client is what everybody waits for: a healthy transfer costs two comparisons a
// wait.
#pragma once

#include <cstdint>

#include "config/settings.hpp"
#include "proxy/loop.hpp"
#include "proxy/socket.hpp"

namespace passerelle::proxy {

class Pace {
 public:
  /// What the client has to do before anything goes on.
  enum class Owes : std::uint8_t { nothing, to_send, to_take };

  /// Before each wait. True: it was asked for long enough and moved less than min_rate.
  bool too_slow(const config::Proxy& limits, const Socket& client, Owes owes, Millis now) noexcept;
  /// The same, where somebody else counts: `moved` bytes until now.
  bool too_slow(const config::Proxy& limits, std::uint64_t moved, Owes owes, Millis now) noexcept;
  /// The wait must end by then, so that too_slow() is asked again.
  Millis deadline() const noexcept { return ends_; }

 private:
  bool due(const config::Proxy& limits, Owes owes, Millis now) noexcept;
  bool judge(const config::Proxy& limits, std::uint64_t moved, Millis now) noexcept;

  Millis ends_ = kNever;        ///< Of the window.
  std::uint64_t at_begin_ = 0;  ///< What the kernel had counted then.
  Owes owes_ = Owes::nothing;
  bool counted_ = false;  ///< The first window only waits: most transfers are over before it.
};

}  // namespace passerelle::proxy
