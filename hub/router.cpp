// Finding the endpoint of a path: a walk over the one table of hub/routes.cpp. It has some forty
// rows and stands off the path of proxied requests, so a walk is enough.
#include "hub/call.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub {
namespace {

// The decoded ":name" segments if `path` fits `pattern`.
std::optional<std::vector<std::string>> fits(std::string_view pattern, std::string_view path) {
  std::vector<std::string> args;
  const auto wanted = text::split(pattern, '/');
  const auto given = text::split(path, '/');
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "*") {
      std::string rest;
      for (std::size_t j = i; j < given.size(); ++j)
        rest.append(j == i ? "" : "/").append(given[j]);
      args.push_back(std::move(rest));
      return args;
    }
    if (i >= given.size()) return std::nullopt;
    if (!wanted[i].starts_with(':')) {
      if (wanted[i] != given[i]) return std::nullopt;
      continue;
    }
    auto decoded = text::percent_decode(given[i]);
    if (!decoded || !text::is_utf8(*decoded)) return std::nullopt;
    args.push_back(std::move(*decoded));
  }
  if (given.size() != wanted.size()) return std::nullopt;
  return args;
}

}  // namespace

Found find_endpoint(std::string_view method, std::string_view path) {
  Found found;
  const std::string_view effective = method == "HEAD" ? "GET" : method;
  for (const Endpoint& endpoint : endpoints()) {
    auto args = fits(endpoint.pattern, path);
    if (!args) continue;
    if (endpoint.method == effective || endpoint.method == "*") {
      found.endpoint = &endpoint;
      found.args = std::move(*args);
      return found;
    }
    if (found.allow.find(endpoint.method) == std::string::npos)
      found.allow.append(found.allow.empty() ? "" : ", ").append(endpoint.method);
  }
  return found;
}

}  // namespace passerelle::hub
