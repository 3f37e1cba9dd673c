#include "chp/public_gate.hpp"

#include <algorithm>
#include <chrono>

namespace passerelle::chp {
namespace {

using proxy::EscapedSlash;

/// "/example.org/path" in `out`: where the route of that host's path is looked for.
void append_host_path(std::string& out, const proxy::RequestHead& head) {
  std::string_view host = head.host();
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos)
    host = host.substr(0, colon);
  out += '/';
  out += host;
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  out += head.path();
}

}  // namespace

const std::shared_ptr<const proxy::Route>& PublicGate::find(const proxy::RequestHead& head) const {
  if (!host_routing_) return routes_.table().match(head.path(), EscapedSlash::separates);
  thread_local std::string path;  // its room is used again
  path.clear();
  if (head.host().empty())
    path = "/";
  else
    append_host_path(path, head);
  return routes_.table().match(path, EscapedSlash::separates);
}

proxy::Verdict PublicGate::admit(const proxy::RequestHead& head,
                                 std::string_view /*peer*/) noexcept {
  if (head.target() == "/_chp_healthz" && !head.upgrade_websocket())
    return proxy::ToHub{0, reason::kHealth};
  (head.upgrade_websocket() ? metrics_.requests_ws : metrics_.requests_web).add();
  const auto began = std::chrono::steady_clock::now();
  const std::shared_ptr<const proxy::Route>& route = find(head);
  metrics_.find_target_for_req.add(std::chrono::steady_clock::now() - began);
  if (!route) return proxy::ToHub{0, reason::kNoRoute};
  if (!static_cast<const RouteEntry*>(route->for_gate.get())->usable)
    return proxy::ToHub{0, reason::kBadTarget};
  return proxy::Forward{route, nullptr};
}

}  // namespace passerelle::chp
