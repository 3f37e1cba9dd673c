// Paths, queries and Locations by a route's policy. The heads themselves are built in headers.cpp.
#include "proxy/route_policy.hpp"

#include "base/text.hpp"
#include "proxy/path.hpp"

namespace passerelle::proxy {
namespace {

/// The path behind `count` segments, which an escaped slash ends too (as it does when routes are
/// matched).
std::string_view without_segments(std::string_view path, std::size_t count) noexcept {
  while (count-- > 0 && !path.empty()) {
    std::size_t next = 1;
    while (next < path.size() && path[next] != '/' && !begins_with_escaped_slash(path.substr(next)))
      ++next;
    path.remove_prefix(next);
  }
  return path;
}

/// "http://host:81" of a URL: its scheme, and its authority without the port that is the scheme's
/// own.
struct Origin {
  std::string_view scheme;
  std::string_view authority;
  std::size_t end = 0;  ///< Where the path begins; 0 if it is no absolute http URL.
};

Origin origin_of(std::string_view url) noexcept {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  Origin origin{url.substr(0, scheme), {}, 0};
  const bool secure = text::iequals(origin.scheme, "https");
  if (!secure && !text::iequals(origin.scheme, "http")) return {};
  origin.end = std::min(url.find_first_of("/?#", scheme + 3), url.size());
  origin.authority = url.substr(scheme + 3, origin.end - scheme - 3);
  const std::string_view port = secure ? ":443" : ":80";
  if (origin.authority.ends_with(port)) origin.authority.remove_suffix(port.size());
  return origin;
}

}  // namespace

void AddressList::set(std::vector<Upstream> addresses) {
  const std::lock_guard lock(mutex_);
  addresses_ = std::move(addresses);
}

std::vector<Upstream> AddressList::get() const {
  const std::lock_guard lock(mutex_);
  return addresses_;
}

std::string RoutePolicy::target_of(const RequestHead& head) const {
  const std::string_view path = without_segments(head.path(), cut_segments);
  std::string target = target_path;
  if (!path.empty() && path.front() != '/' && (target.empty() || target.back() != '/'))
    target += '/';  // what was cut ended with an escaped slash
  target += path;
  if (target.empty()) target = "/";
  const bool has_query = head.target().size() > head.path().size();
  if (has_query || !target_query.empty()) target += '?';
  target += target_query;
  if (has_query && !target_query.empty()) target += '&';
  return target.append(head.query());
}

std::string RoutePolicy::location_of(int status,
                                     std::string_view location,
                                     std::string_view host) const {
  const bool redirects =
      status == 201 || status == 301 || status == 302 || status == 307 || status == 308;
  if (!redirects || (!rewrite_host && rewrite_scheme.empty())) return {};
  const Origin origin = origin_of(location);
  if (origin.end == 0 || !text::iequals(origin.authority, target_authority)) return {};
  std::string rewritten(rewrite_scheme.empty() ? origin.scheme : std::string_view(rewrite_scheme));
  rewritten += "://";
  rewritten += rewrite_host && !host.empty() ? host : origin.authority;
  return rewritten.append(location.substr(origin.end));
}

}  // namespace passerelle::proxy
