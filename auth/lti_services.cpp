#include "auth/lti_services.hpp"

#include <algorithm>

namespace passerelle::auth::lti {
namespace {

bool is_local(std::string_view host) {
  const std::string_view name = host.substr(0, host.rfind(':'));
  return host.find(':') != std::string_view::npos &&
         (name == "127.0.0.1" || name == "localhost" || name == "[::1]");
}

}  // namespace

std::string host_of(std::string_view url) {
  const std::string lower = text::ascii_lower(url);
  const bool secure = lower.starts_with("https://");
  if (!secure && !lower.starts_with("http://")) return {};
  const std::size_t begin = secure ? 8 : 7;
  std::string host = lower.substr(begin, lower.find_first_of("/?#\\", begin) - begin);
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-.:[]_").find(c) != std::string_view::npos;
  });
  if (!plain) return {};
  const std::string_view usual = secure ? ":443" : ":80";
  if (host.ends_with(usual)) host.resize(host.size() - usual.size());
  return host;
}

bool is_address(std::string_view url) {
  constexpr std::string_view kSpoils = "\"<>\\";
  const bool plain = std::all_of(url.begin(), url.end(), [&](char c) {
    return c > 0x20 && c < 0x7F && kSpoils.find(c) == std::string_view::npos;
  });
  return plain && url.size() <= 2000 && !host_of(url).empty();
}

bool may_call(std::string_view url, const std::vector<std::string>& hosts) {
  const std::string host = host_of(url);
  if (!is_address(url)) return false;
  const bool expected = std::any_of(
      hosts.begin(), hosts.end(), [&](const std::string& one) { return text::iequals(one, host); });
  return expected && (text::ascii_lower(url.substr(0, 8)) == "https://" || is_local(host));
}

Delivered delivered(int status, const std::string& what) {
  if (status >= 200 && status < 300) return {Delivered::Kind::taken, ""};
  const bool later = status == 408 || status == 425 || status == 429 || status >= 500;
  return {later ? Delivered::Kind::later : Delivered::Kind::refused,
          what + ": status " + std::to_string(status)};
}

}  // namespace passerelle::auth::lti
