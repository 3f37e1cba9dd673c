// The PROXY protocol, versions 1 and 2: the line or block with which a load balancer that forwards
// plain TCP says whose connection this is (haproxy.org, "The PROXY protocol", 2020). Only a scan
// over the first bytes: whom to believe, and reading, stand in proxy_peer.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace passerelle::proxy {

/// Bytes of a whole header; a longer one is refused. Version 1 ends within 107; in version 2 the
/// rest is extensions (TLVs), which are passed over.
inline constexpr std::size_t kMostProxyHeader = 4096;

struct ProxyHeader {
  enum class State : std::uint8_t { complete, incomplete, refused };
  State state = State::incomplete;
  std::size_t used = 0;     ///< complete: what follows belongs to the client (TLS or HTTP).
  std::string_view reason;  ///< refused: static English text, for the log.
  /// The client's numeric address; an IPv4 address mapped into IPv6 is given as IPv4. Empty when
  /// the header names none (LOCAL, UNKNOWN, UNSPEC, UNIX): then the connection speaks for itself.
  std::string address;
};

/// `bytes`: all that came so far, from the connection's first byte on. Strict: what is no
/// well-formed header from its first byte is refused at once, not guessed.
ProxyHeader scan_proxy_header(std::string_view bytes);

}  // namespace passerelle::proxy
