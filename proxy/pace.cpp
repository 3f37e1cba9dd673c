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

}  // namespace

bool Pace::too_slow(const config::Proxy& limits,
                    const Socket& client,
                    Owes owes,
                    Millis now) noexcept {
  const std::uint64_t least = limits.min_rate;
  const Millis window = static_cast<Millis>(limits.min_rate_after.count()) * 1000;
  if (owes == Owes::nothing || least == 0) {
    ends_ = kNever;
    owes_ = Owes::nothing;
    return false;
  }
  if (owes != owes_) {
    owes_ = owes;
    counted_ = false;
    ends_ = now + window;
    return false;
  }
  if (now < ends_) return false;
  std::uint64_t bytes = 0;
  if (!counted_bytes(client.fd(), owes, bytes)) {
    ends_ = kNever;
    return false;
  }
  const auto took = static_cast<std::uint64_t>(now - ends_ + window);
  const bool slow = counted_ && (bytes - at_begin_) * 1000 < least * took;
  counted_ = true;
  at_begin_ = bytes;
  ends_ = now + window;
  return slow;
}

}  // namespace passerelle::proxy
