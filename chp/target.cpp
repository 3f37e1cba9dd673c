#include "chp/target.hpp"

#include <charconv>

#include <arpa/inet.h>

#include "base/text.hpp"

namespace passerelle::chp {
namespace {

Error unusable(std::string_view why) {
  return {Errc::invalid, "the target " + std::string(why)};
}

bool is_address(const std::string& host) noexcept {
  in6_addr room{};
  return inet_pton(AF_INET, host.c_str(), &room) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &room) == 1;
}

bool is_name(std::string_view host) noexcept {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-._";
  return !host.empty() && host.size() < 254 &&
         host.find_first_not_of(kLetters) == std::string_view::npos;
}

/// As a browser sends it: what cannot stand in a request line is escaped.
std::string escaped(std::string_view part) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f)
      out += c;
    else
      out.append("%").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 15U]);
  }
  return out;
}

Result<void> read_host(std::string_view authority, Target& target) {
  if (authority.find('@') != std::string_view::npos) return unusable("has a user in it");
  const bool bracketed = authority.starts_with('[');
  const std::size_t end = bracketed ? authority.find(']') : authority.find(':');
  if (bracketed && end == std::string_view::npos) return unusable("has no whole address");
  std::string_view host = authority.substr(0, end);
  std::string_view port =
      end == std::string_view::npos ? std::string_view() : authority.substr(end);
  if (bracketed) {
    host.remove_prefix(1);
    port.remove_prefix(1);
  }
  const std::uint16_t usual = target.secure ? 443 : 80;
  target.upstream.host = text::ascii_lower(host);
  target.upstream.port = usual;
  if (port.size() > 1) {
    const char* const last = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data() + 1, last, target.upstream.port);
    if (port.front() != ':' || error != std::errc() || stop != last || target.upstream.port == 0)
      return unusable("has no port that can be");
  }
  target.named = !bracketed && !is_address(target.upstream.host);
  if (target.named ? !is_name(target.upstream.host) : !is_address(target.upstream.host))
    return unusable("has no host");
  target.authority = bracketed ? "[" + target.upstream.host + "]" : target.upstream.host;
  if (target.upstream.port != usual) target.authority += ":" + std::to_string(target.upstream.port);
  return {};
}

Result<void> read_socket(std::string_view host, Target& target) {
  constexpr std::size_t kLongest = 107;
  const auto path = text::percent_decode(host);
  if (!path || !path->starts_with('/') || path->size() > kLongest ||
      path->find('\0') != std::string::npos)
    return unusable("has no socket path");
  target.upstream.kind = Upstream::Kind::unix_socket;
  target.upstream.path = *path;
  target.authority = "localhost";
  return {};
}

}  // namespace

std::string Target::url() const {
  return (secure ? "https://" : "http://") + authority + path;
}

Result<Target> parse_target(std::string_view url) {
  url = url.substr(0, url.find('#'));
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return unusable("is no URL");
  const std::string scheme = text::ascii_lower(url.substr(0, colon));
  url.remove_prefix(colon + 3);
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  Target target;
  target.secure = scheme == "https";
  Result<void> read;
  if (scheme == "http+unix" || scheme == "unix+http")
    read = read_socket(url.substr(0, end), target);
  else if (scheme == "http" || target.secure)
    read = read_host(url.substr(0, end), target);
  else
    read = unusable("is neither http, https nor http+unix");
  if (!read) return std::move(read).error();
  const std::size_t question = std::min(url.find('?', end), url.size());
  target.path = escaped(url.substr(end, question - end));
  while (target.path.ends_with('/')) target.path.pop_back();
  if (question < url.size()) target.query = escaped(url.substr(question + 1));
  return target;
}

}  // namespace passerelle::chp
