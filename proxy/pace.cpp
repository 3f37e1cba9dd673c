#include "proxy/pace.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>

namespace passerelle::proxy {
namespace {

/// Bytes the kernel has seen go by; false where it does not count (a Unix socket).
bool counted_bytes(int fd, Pace::Owes owes, std::uint64_t& bytes) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  bytes = owes == Pace::Owes::to_send ? info.tcpi_bytes_received : info.tcpi_bytes_acked;
  return true;
}

Millis window_of(const config::Proxy& limits) noexcept {
  return static_cast<Millis>(limits.min_rate_after.count()) * 1000;
}

}  // namespace

bool Pace::too_slow(const config::Proxy& limits,
                    const Socket& client,
                    Owes owes,
                    Millis now) noexcept {
  if (!due(limits, owes, now)) return false;
  std::uint64_t moved = 0;
  if (counted_bytes(client.fd(), owes, moved)) return judge(limits, moved, now);
  ends_ = kNever;
  return false;
}

bool Pace::too_slow(const config::Proxy& limits,
                    std::uint64_t moved,
                    Owes owes,
                    Millis now) noexcept {
  return due(limits, owes, now) && judge(limits, moved, now);
}

/// Whether a window has ended, with the same thing owed all the time as far as was asked.
bool Pace::due(const config::Proxy& limits, Owes owes, Millis now) noexcept {
  if (owes == Owes::nothing || limits.min_rate == 0) {
    ends_ = kNever;
    owes_ = Owes::nothing;
    return false;
  }
  if (owes == owes_) return now >= ends_;
  owes_ = owes;
  counted_ = false;
  ends_ = now + window_of(limits);
  return false;
}

bool Pace::judge(const config::Proxy& limits, std::uint64_t moved, Millis now) noexcept {
  const Millis window = window_of(limits);
  const auto took = static_cast<std::uint64_t>(now - ends_ + window);
  const bool slow = counted_ && (moved - at_begin_) * 1000 < limits.min_rate * took;
  counted_ = true;
  at_begin_ = moved;
  ends_ = now + window;
  return slow;
}

}  // namespace passerelle::proxy
