// Addresses, networks, and whom a forwarded request comes from.
#include "proxy/trusted.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

#include "base/text.hpp"
#include "proxy/characters.hpp"

namespace passerelle::proxy {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Error no_network(const std::string& entry) {
  return {Errc::invalid, "\"" + entry + "\" is no network such as 10.0.0.0/8 or fd00::/8"};
}

bool has_bits_beyond(const AddressBytes& address, unsigned bits) noexcept {
  for (unsigned i = bits; i < 128; ++i) {
    if ((address[i / 8] >> (7 - i % 8) & 1U) != 0) return true;
  }
  return false;
}

/// Takes the last element off a comma-separated list; false when nothing is left.
bool take_last(std::string_view& list, std::string_view& last) noexcept {
  if (list.empty()) return false;
  const std::size_t comma = list.rfind(',');
  last = text::trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
  return true;
}

/// The last element over all lines of that field.
std::string_view last_element(const Fields& fields, FieldId id) noexcept {
  for (std::size_t i = fields.size(); i > 0; --i) {
    if (fields.id(i - 1) != id) continue;
    std::string_view list = fields[i - 1].value;
    std::string_view last;
    return take_last(list, last) ? last : std::string_view();
  }
  return {};
}

/// From the right: the first address that is no trusted proxy, or the left-most one that can be
/// believed.
std::string_view forwarded_for(const Fields& fields,
                               std::string_view peer,
                               const TrustedProxies& trusted) noexcept {
  std::string_view client = peer;
  for (std::size_t i = fields.size(); i > 0; --i) {
    if (fields.id(i - 1) != FieldId::x_forwarded_for) continue;
    std::string_view list = fields[i - 1].value;
    std::string_view hop;
    while (take_last(list, hop)) {
      AddressBytes address;
      if (!parse_address(hop, address)) return client;
      client = hop;
      if (!trusted.contains(address)) return client;
    }
  }
  return client;
}

bool is_port(std::string_view digits) noexcept {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() && digits.size() <= 5 &&
         value >= 1 && value <= 65535;
}

/// The port of a valid host, or empty.
std::string_view port_of(std::string_view host) noexcept {
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos) return {};
  return host.substr(colon + 1);
}

}  // namespace

bool parse_address(std::string_view text, AddressBytes& address) noexcept {
  std::array<char, INET6_ADDRSTRLEN> zero_ended;
  if (text.empty() || text.size() >= zero_ended.size()) return false;
  std::memcpy(zero_ended.data(), text.data(), text.size());
  zero_ended[text.size()] = '\0';
  if (text.find(':') != std::string_view::npos) {
    return inet_pton(AF_INET6, zero_ended.data(), address.data()) == 1;
  }
  std::copy(kMapped.begin(), kMapped.end(), address.begin());
  return inet_pton(AF_INET, zero_ended.data(), address.data() + kMapped.size()) == 1;
}

Result<TrustedProxies> TrustedProxies::parse(const std::vector<std::string>& cidrs) {
  TrustedProxies trusted;
  for (const std::string& entry : cidrs) {
    const std::size_t slash = entry.find('/');
    const std::string_view name = std::string_view(entry).substr(0, slash);
    const bool v4 = name.find(':') == std::string_view::npos;
    Network network{};
    if (!parse_address(name, network.address)) return no_network(entry);
    unsigned bits = v4 ? 32 : 128;
    if (slash != std::string::npos) {
      const char* const end = entry.data() + entry.size();
      const auto [last, error] = std::from_chars(entry.data() + slash + 1, end, bits);
      if (error != std::errc() || last != end || bits > (v4 ? 32U : 128U)) return no_network(entry);
    }
    network.bits = static_cast<std::uint8_t>(v4 ? bits + 96 : bits);
    if (has_bits_beyond(network.address, network.bits)) return no_network(entry);
    trusted.networks_.push_back(network);
  }
  return trusted;
}

bool TrustedProxies::contains(const AddressBytes& address) const noexcept {
  return std::any_of(networks_.begin(), networks_.end(), [&address](const Network& network) {
    const std::size_t whole = network.bits / 8U;
    if (std::memcmp(address.data(), network.address.data(), whole) != 0) return false;
    const unsigned rest = network.bits % 8U;
    return rest == 0 || (address[whole] ^ network.address[whole]) >> (8U - rest) == 0;
  });
}

bool TrustedProxies::contains(std::string_view address) const noexcept {
  AddressBytes bytes;
  return parse_address(address, bytes) && contains(bytes);
}

bool is_valid_host(std::string_view host) noexcept {
  std::string_view rest = host;
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    AddressBytes ignored;
    if (close == std::string_view::npos || rest.find(':') > close) return false;
    if (!parse_address(rest.substr(1, close - 1), ignored)) return false;
    rest.remove_prefix(close + 1);
  } else {
    const std::size_t size = std::min(rest.find(':'), rest.size());
    if (size == 0 || size > 255) return false;
    const auto fits = [](char c) { return token_of(c) == Token::plain || c == '.' || c == '_'; };
    if (!std::all_of(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size), fits))
      return false;
    rest.remove_prefix(size);
  }
  return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

Client resolve_client(const RequestHead& head,
                      std::string_view peer,
                      std::string_view scheme,
                      const TrustedProxies& trusted) noexcept {
  Client client{peer, scheme, head.host(), {}};
  const bool believed = !trusted.empty() && (peer.empty() || trusted.contains(peer));
  const Fields& fields = head.fields();
  if (believed) {
    client.address = forwarded_for(fields, peer, trusted);
    const std::string_view proto = last_element(fields, FieldId::x_forwarded_proto);
    if (text::iequals(proto, "https") || text::iequals(proto, "wss")) client.scheme = "https";
    if (text::iequals(proto, "http") || text::iequals(proto, "ws")) client.scheme = "http";
    const std::string_view host = last_element(fields, FieldId::x_forwarded_host);
    if (is_valid_host(host)) client.host = host;
    const std::string_view port = last_element(fields, FieldId::x_forwarded_port);
    if (is_port(port)) client.port = port;
  }
  if (client.port.empty()) client.port = port_of(client.host);
  if (client.port.empty()) client.port = client.scheme == "https" ? "443" : "80";
  return client;
}

}  // namespace passerelle::proxy
