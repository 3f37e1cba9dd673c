// What the proxy is told at its start; constant afterwards.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "proxy/endpoint.hpp"

namespace passerelle::proxy {

struct ProxySettings {
  config::Proxy limits;
  std::vector<Endpoint> endpoints = {Endpoint{}};  ///< At least one.
  std::vector<std::string> trusted_proxies;        ///< CIDRs
  std::vector<std::string> proxy_protocol;  ///< CIDRs whose connections begin with a PROXY header.
  /// Name prefixes of cookies that never reach an upstream and that no upstream may set.
  std::vector<std::string> own_cookies = {"passerelle-", "__Host-passerelle-"};
  /// Field names that never reach an upstream, whoever sends them, nor do those that programs take
  /// for them (base/field_name.hpp).
  std::vector<std::string> stripped_headers;
  /// Host names that are served; empty or "*": all (request_rules.hpp).
  std::vector<std::string> hosts;
  /// Our name in Via, by which a loop is seen; empty: one made up at the start, so that two
  /// passerelles in a row are told apart.
  std::string via;
  std::size_t guarded_segments = 2;  ///< Two plus the depth of base_url (head.hpp, scan_request).
  bool access_log = true;
  bool check_server_name = true;  ///< 421 when TLS was made for another name than Host's.
  bool bad_paths_to_hub =
      false;  ///< The hub answers them (reason kBadPath) instead of a plain 400.
};

}  // namespace passerelle::proxy
