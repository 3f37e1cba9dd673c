#include "chp/routes.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "chp/dates.hpp"

namespace passerelle::chp {
namespace {

const RouteEntry& entry_of(const proxy::Route& route) noexcept {
  return *static_cast<const RouteEntry*>(route.for_gate.get());
}

std::string_view first_segment(std::string_view path) noexcept {
  path.remove_prefix(std::min<std::size_t>(path.find_first_not_of('/'), path.size()));
  return path.substr(0, path.find('/'));
}

std::string members_of(const Json& body, const std::string* host) {
  std::string out = "{";
  for (const auto& [name, value] : body.items()) {
    if (name == "last_activity" || (host != nullptr && name == "host")) continue;
    text::append_json_string(out, name);
    out.append(":").append(value.dump(-1, ' ', false, Json::error_handler_t::replace)).append(",");
  }
  if (host != nullptr) {
    out += "\"host\":";
    text::append_json_string(out, *host);
    out += ',';
  }
  return out += "\"last_activity\":\"";
}

std::string_view activity_of(const proxy::Route& route, DateText& date) {
  return date.of(route.policy->last_activity.load(std::memory_order_relaxed));
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::string clean = path.starts_with('/') ? "" : "/";
  clean += path;
  if (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  return clean;
}

/// As the table wants it; a host in front in lower case, since clients may write it in any.
std::string Routes::prefix_of(std::string_view path) const {
  const std::size_t begin = std::min(path.find_first_not_of('/'), path.size());
  const std::size_t end = path.find_last_not_of('/') + 1;
  std::string prefix = "/";
  if (begin < end) prefix.append(path.substr(begin, end - begin)).append("/");
  if (!options_.host_routing) return prefix;
  const std::size_t host_end = prefix.find('/', 1);
  if (host_end == std::string::npos) return prefix;
  return "/" + text::ascii_lower(prefix.substr(1, host_end - 1)) + prefix.substr(host_end);
}

std::shared_ptr<proxy::RoutePolicy> Routes::policy_for(const RouteEntry& entry,
                                                       std::string_view prefix) const {
  auto policy = std::make_shared<proxy::RoutePolicy>();
  policy->append_forwarded = options_.x_forward;
  policy->own_host = options_.change_origin;
  policy->rewrite_host = options_.auto_rewrite;
  policy->rewrite_scheme = options_.protocol_rewrite;
  if (!options_.include_prefix) {
    policy->cut_segments =
        static_cast<std::size_t>(std::count(prefix.begin(), prefix.end(), '/')) - 1;
    if (options_.host_routing && policy->cut_segments > 0) --policy->cut_segments;
  }
  if (options_.prepend_path) policy->target_path = entry.target.path;
  policy->target_query = entry.target.query;
  policy->target_authority = entry.target.authority;
  if (entry.target.named) policy->addresses = &entry.addresses;
  policy->answers = &answers_;
  policy->touch(now_millis());
  return policy;
}

std::shared_ptr<RouteEntry> Routes::add(std::string_view path, const Json& body) {
  auto entry = std::make_shared<RouteEntry>();
  entry->key = clean_path(path);
  text::append_json_string(entry->text, entry->key);
  entry->object_at = entry->text.append(":").size();
  entry->target_text = body.at("target").get<std::string>();
  const std::string host(first_segment(path));
  entry->text += members_of(body, options_.host_routing && !host.empty() ? &host : nullptr);
  if (Result<Target> target = parse_target(entry->target_text)) {
    entry->usable = !target->secure || tls_;
    entry->target = std::move(*target);
  }
  auto route = std::make_shared<proxy::Route>();
  route->prefix = prefix_of(path);
  route->upstream = entry->target.upstream;
  if (entry->target.secure) {
    route->tls = tls_;
    route->tls_name = entry->target.upstream.host;
  }
  route->set_headers = options_.custom_headers;
  route->policy = policy_for(*entry, route->prefix);
  route->for_gate = entry;
  table_.add(std::move(route));
  return entry;
}

bool Routes::remove(std::string_view path) {
  return table_.remove(prefix_of(path));
}

std::optional<std::string> Routes::get(std::string_view path) const {
  const auto route = table_.exact(prefix_of(path));
  if (!route) return std::nullopt;
  const RouteEntry& entry = entry_of(*route);
  DateText date;
  return entry.text.substr(entry.object_at).append(activity_of(*route, date)).append("\"}");
}

std::string Routes::all(std::optional<std::int64_t> inactive_since) const {
  constexpr std::size_t kTypical = 160;
  const auto routes = table_.all();
  DateText date;
  std::string out = "{";
  out.reserve(routes.size() * kTypical);
  for (const auto& route : routes) {
    const std::int64_t active = route->policy->last_activity.load(std::memory_order_relaxed);
    if (inactive_since && active >= *inactive_since) continue;
    if (out.size() > 1) out += ',';
    out.append(entry_of(*route).text).append(activity_of(*route, date)).append("\"}");
  }
  return out += '}';
}

}  // namespace passerelle::chp
