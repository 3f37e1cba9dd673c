// Hosts, loops, hops.
#include "proxy/request_rules.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace passerelle::proxy {

namespace {

constexpr std::size_t kMostDigits = 9;

/// "h:80" and "[::1]:80" without port and brackets.
std::string_view name_of(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback_name(std::string_view name) noexcept {
  constexpr std::string_view kBelow = ".localhost";
  if (text::iequals(name, "localhost")) return true;
  return name.size() > kBelow.size() &&
         text::iequals(name.substr(name.size() - kBelow.size()), kBelow);
}

/// "a.example" is below "*.example", as is "b.a.example".
bool is_below(std::string_view name, std::string_view served) noexcept {
  if (!served.starts_with("*.")) return false;
  const std::string_view end = served.substr(1);
  return name.size() > end.size() && text::iequals(name.substr(name.size() - end.size()), end);
}

/// "1.1 name (comment)" names its sender second.
std::string_view sender_of(std::string_view hop) noexcept {
  const std::size_t space = hop.find_first_of(" \t");
  if (space == std::string_view::npos) return {};
  const std::string_view rest = text::trim(hop.substr(space));
  return rest.substr(0, rest.find_first_of(" \t"));
}

bool counts_hops(const RequestHead& head) noexcept {
  return head.has(FieldId::max_forwards) && head.method() == "OPTIONS";
}

}  // namespace

RequestRules::RequestRules(std::vector<std::string> hosts, std::string_view pseudonym)
    : hosts_(std::move(hosts)), pseudonym_(pseudonym) {
  if (std::ranges::find(hosts_, "*") != hosts_.end()) hosts_.clear();
  if (!pseudonym.empty()) via_line_.append("Via: 1.1 ").append(pseudonym).append("\r\n");
}

RequestRules::Refusal RequestRules::check(const RequestHead& head,
                                          const Client& client) const noexcept {
  if (!hosts_.empty() && !serves(client.host)) return {421, "this name is not served here"};
  if (head.has(FieldId::via) && came_from_us(head.fields()))
    return {508, "the request has been here before"};
  std::uint32_t hops = 0;
  if (counts_hops(head) && !read_max_forwards(head.value(FieldId::max_forwards), hops))
    return {400, "Max-Forwards is no number"};
  return {};
}

/// An empty host is HTTP/1.0's; no browser sends it.
bool RequestRules::serves(std::string_view host) const noexcept {
  const std::string_view name = name_of(host);
  for (const std::string& served : hosts_)
    if (name == served || text::iequals(name, served) || is_below(name, served)) return true;
  AddressBytes address;
  return name.empty() || is_loopback_name(name) || parse_address(name, address);
}

bool RequestRules::came_from_us(const Fields& fields) const noexcept {
  if (pseudonym_.empty()) return false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields.id(i) != FieldId::via) continue;
    std::string_view hops = fields[i].value;
    while (!hops.empty()) {
      const std::size_t comma = std::min(hops.find(','), hops.size());
      if (text::iequals(sender_of(text::trim(hops.substr(0, comma))), pseudonym_)) return true;
      hops.remove_prefix(std::min(comma + 1, hops.size()));
    }
  }
  return false;
}

bool ends_here(const RequestHead& head) noexcept {
  std::uint32_t hops = 1;
  return counts_hops(head) && read_max_forwards(head.value(FieldId::max_forwards), hops) &&
         hops == 0;
}

bool read_max_forwards(std::string_view value, std::uint32_t& count) noexcept {
  const char* const end = value.data() + value.size();
  const auto [last, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  return error == std::errc() && last == end && value.size() <= kMostDigits;
}

}  // namespace passerelle::proxy
