// What the proxy is told at its start; constant afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.hpp"

namespace passerelle::proxy {

struct ProxySettings {
  config::Proxy limits;
  std::string address = "127.0.0.1";  ///< Numeric IPv4 or IPv6.
  std::uint16_t port = 0;             ///< 0: the kernel picks one (Proxy::port()).
  std::string scheme = "http";  ///< What the listener speaks, for clients that no proxy speaks for.
  std::vector<std::string> trusted_proxies;  ///< CIDRs
  /// Name prefixes of cookies that never reach an upstream and that no upstream may set.
  std::vector<std::string> own_cookies = {"passerelle-", "__Host-passerelle-"};
  std::size_t guarded_segments = 2;  ///< Two plus the depth of base_url (head.hpp, scan_request).
  bool access_log = true;
};

}  // namespace passerelle::proxy
