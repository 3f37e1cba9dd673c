// Who is believed when it speaks of the client: X-Forwarded-* count only when the peer is one of
// trusted_proxies.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "proxy/head.hpp"

namespace passerelle::proxy {

/// An address as 16 bytes; IPv4 is kept as its mapped form, so that ::ffff:10.0.0.1 and 10.0.0.1
/// are one.
using AddressBytes = std::array<std::uint8_t, 16>;

class TrustedProxies {
 public:
  TrustedProxies() = default;  ///< Nobody.
  /// "10.0.0.0/8", "::1", "fd00::/8". Errc::invalid names the entry that is none, or has bits
  /// beyond its length.
  static Result<TrustedProxies> parse(const std::vector<std::string>& cidrs);
  bool contains(const AddressBytes& address) const noexcept;
  bool contains(std::string_view address) const noexcept;  ///< False for what is no address.
  bool empty() const noexcept { return networks_.empty(); }

 private:
  struct Network {
    AddressBytes address;
    std::uint8_t bits;
  };
  std::vector<Network> networks_;
};

/// Numeric IPv4 or IPv6, without brackets, port or zone. False if it is neither.
bool parse_address(std::string_view text, AddressBytes& address) noexcept;

/// The client as the gate, the hub, the log and the upstream shall see it. Views into the head or
/// the arguments.
struct Client {
  std::string_view address;  ///< Numeric.
  std::string_view scheme;   ///< "http" or "https".
  std::string_view host;  ///< With port if it came with one; empty only for HTTP/1.0 without Host.
  std::string_view port;  ///< Digits: X-Forwarded-Port, the host's, or the scheme's default.
};

/// `peer`: the numeric address of the connection (empty for a unix socket: such a peer is trusted
/// when any list is set); `scheme`: what the listener speaks. From a trusted peer: address is the
/// right-most X-Forwarded-For entry that is not itself trusted (walking stops at anything that is
/// no address), scheme and host the right-most of theirs, if valid.
Client resolve_client(const RequestHead& head,
                      std::string_view peer,
                      std::string_view scheme,
                      const TrustedProxies& trusted) noexcept;

/// "host", "host:port", "[v6]:port" of letters that cannot be misread; used for Host and
/// X-Forwarded-Host.
bool is_valid_host(std::string_view host) noexcept;

}  // namespace passerelle::proxy
