// Upstream: where a server listens. Made by a spawner, used by the proxy, stored as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace passerelle {

struct Upstream {
  enum class Kind { tcp, unix_socket };

  Kind kind = Kind::tcp;
  std::string host;  ///< tcp: an IPv4 or IPv6 address without brackets; never a name (nothing to
                     ///< resolve later).
  std::uint16_t port = 0;  ///< tcp
  std::string path;        ///< unix_socket: absolute, at most 107 bytes

  bool operator==(const Upstream&) const = default;
};

/// "tcp:127.0.0.1:8888", "tcp:[::1]:8888", "unix:/run/x.sock".
std::string to_string(const Upstream& upstream);
Result<Upstream> upstream_from_string(std::string_view text);

}  // namespace passerelle
