#include "base/upstream.hpp"

#include <charconv>

#include <arpa/inet.h>

namespace passerelle {

std::string to_string(const Upstream& upstream) {
  if (upstream.kind == Upstream::Kind::unix_socket) return "unix:" + upstream.path;
  const bool v6 = upstream.host.find(':') != std::string::npos;
  return "tcp:" + (v6 ? "[" + upstream.host + "]" : upstream.host) + ":" +
         std::to_string(upstream.port);
}

Result<Upstream> upstream_from_string(std::string_view text) {
  const Error bad(Errc::invalid, "not an upstream address: " + std::string(text.substr(0, 200)));
  Upstream upstream;
  if (text.starts_with("unix:/")) {
    upstream.kind = Upstream::Kind::unix_socket;
    upstream.path = text.substr(5);
    if (upstream.path.size() > 107) return bad;
    return upstream;
  }
  if (!text.starts_with("tcp:")) return bad;
  text.remove_prefix(4);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  upstream.host = host;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), upstream.port);
  in6_addr ignored{};
  const bool address = ::inet_pton(AF_INET, upstream.host.c_str(), &ignored) == 1 ||
                       ::inet_pton(AF_INET6, upstream.host.c_str(), &ignored) == 1;
  if (error != std::errc() || end != port.data() + port.size() || upstream.port == 0 || !address)
    return bad;
  return upstream;
}

}  // namespace passerelle
