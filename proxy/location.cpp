#include "proxy/location.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace passerelle::proxy {

namespace {

bool is_host_of(std::string_view name, const Upstream& upstream) noexcept {
  if (text::iequals(name, upstream.host)) return true;
  const bool loopback = upstream.host.starts_with("127.") || upstream.host == "::1";
  return loopback && text::iequals(name, "localhost");
}

bool is_port_of(std::string_view digits, std::uint16_t port) noexcept {
  std::uint16_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && last == end && value == port;
}

}  // namespace

std::optional<std::string_view> behind_upstream(std::string_view location,
                                                const Upstream& upstream) noexcept {
  if (upstream.kind != Upstream::Kind::tcp) return std::nullopt;
  for (const std::string_view scheme : {"http:", "https:"}) {
    if (location.size() < scheme.size()) continue;
    if (!text::iequals(location.substr(0, scheme.size()), scheme)) continue;
    location.remove_prefix(scheme.size());
    break;
  }
  if (!location.starts_with("//")) return std::nullopt;
  location.remove_prefix(2);
  const std::size_t end = std::min(location.find_first_of("/?#\\"), location.size());
  const std::string_view authority = location.substr(0, end);
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || !is_port_of(authority.substr(colon + 1), upstream.port))
    return std::nullopt;
  std::string_view name = authority.substr(0, colon);
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (!is_host_of(name, upstream)) return std::nullopt;
  return location.substr(end);
}

}  // namespace passerelle::proxy
