// The hub itself over REST: services, routes, what it is made of, and its end.
#include <csignal>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <unistd.h>

#include "config/rbac.hpp"
#include "hub/api/models.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kAccepted = 202;
constexpr int kBad = 400;
constexpr int kForbidden = 403;

proxy::HubResponse lacks(std::string_view scope) {
  return api_error(kForbidden, "Action is not authorized with current scopes; requires any of [" +
                                   std::string(scope) + "]");
}

bool may(const Call& call, auth::ScopeName what) {
  return auth::allowed(*call.principal, what, auth::Target{});
}

Json model_of(const Parts& parts, const Call& call, const config::Service& service) {
  const auth::Target target = auth::Target::of_service(service.name);
  Json model = {{"kind", "service"}, {"name", service.name}};
  const bool all = auth::allowed(*call.principal, "read:services", target);
  if (all || auth::allowed(*call.principal, "read:services:name", target))
    model["admin"] = service.admin;
  if (all || auth::allowed(*call.principal, "read:roles:services", target)) {
    std::vector<std::string> scopes;
    std::vector<std::string> roles;
    parts.policy.roles().give_service(service, scopes, roles);
    model["roles"] = roles;
  }
  if (!all) return model;
  model["url"] = service.url;
  model["prefix"] = parts.settings.base_url + "services/" + service.name + "/";
  model["command"] = Json::array();
  model["pid"] = 0;
  model["info"] = Json::object();
  model["display"] = !service.url.empty();
  return model;
}

const std::vector<config::Service>& all_services(const Parts& parts) {
  static const std::vector<config::Service> kNone;
  return parts.settings.rbac ? parts.settings.rbac->services : kNone;
}

Task<void> end_ourselves(Launcher& launcher, bool servers) {
  co_await sleep_for(milliseconds(100));  // the answer goes out first
  if (servers) {
    StopRequest request{
        .by = "exit", .detail = "the gateway ended", .actor = "gateway", .peer = ""};
    co_await launcher.stop_all(std::move(request));
  }
  ::kill(::getpid(), SIGTERM);
}

}  // namespace

Task<Answer> info(Parts& parts, Call& call) {
  if (!may(call, "read:hub")) co_return lacks("read:hub");
  const std::string program = std::string("passerelle ") + PASSERELLE_VERSION;
  std::string spawner;
  for (const config::Spawner& one : parts.settings.spawners)
    spawner += (spawner.empty() ? "" : ",") + one.type;
  std::string authenticator;
  for (const config::Authenticator& one : parts.settings.authenticators)
    authenticator += (authenticator.empty() ? "" : ",") + one.type;
  co_return json(kOk,
                 {{"version", kJupyterHubVersion},
                  {"python", "none: " + program},
                  {"sys_executable", program},
                  {"spawner", {{"class", spawner}, {"version", PASSERELLE_VERSION}}},
                  {"authenticator", {{"class", authenticator}, {"version", PASSERELLE_VERSION}}}});
}

Task<Answer> services(Parts& parts, Call& call) {
  if (!auth::has(*call.principal, "list:services")) co_return lacks("list:services");
  Json all = Json::object();
  for (const config::Service& one : all_services(parts))
    if (auth::allowed(*call.principal, "list:services", auth::Target::of_service(one.name)))
      all[one.name] = model_of(parts, call, one);
  co_return json(kOk, all);
}

Task<Answer> service(Parts& parts, Call& call) {
  if (!auth::has(*call.principal, "read:services:name")) co_return lacks("read:services");
  for (const config::Service& one : all_services(parts))
    if (one.name == call.args[0] &&
        auth::allowed(*call.principal, "read:services:name", auth::Target::of_service(one.name)))
      co_return json(kOk, model_of(parts, call, one));
  co_return api_error(404, "No access to resources or resources not found");
}

namespace {

// As JupyterHub writes it: "http://127.0.0.1:8001".
std::string target_of(const Upstream& upstream) {
  std::string text = to_string(upstream);
  constexpr std::string_view kTcp = "tcp:";
  return text.starts_with(kTcp) ? "http://" + text.substr(kTcp.size()) : text;
}

}  // namespace

Task<Answer> proxy_routes(Parts& parts, Call& call) {
  if (!may(call, "proxy")) co_return lacks("proxy");
  Json all = Json::object();
  for (const auto& [key, server] : parts.launcher.all()) {
    if (!server->route) continue;
    Json data = {{"user", server->username},
                 {"server_name", key.name},
                 {"last_activity", to_iso8601(last_activity(*server))}};
    all[server->base_path] = {{"routespec", server->base_path},
                              {"target", target_of(server->route->upstream)},
                              {"data", std::move(data)}};
  }
  co_return json(kOk, all);
}

// Our proxy has the routes themselves, not a copy: there is nothing to bring together.
Task<Answer> check_routes(Parts& /*parts*/, Call& call) {
  if (!may(call, "proxy")) co_return lacks("proxy");
  co_return proxy::HubResponse{kOk, {{"Content-Type", "text/plain"}}, ""};
}

Task<Answer> shutdown(Parts& parts, Call& call) {
  if (!may(call, "shutdown")) co_return lacks("shutdown");
  Json body = Json::object();
  if (!text::trim(call.request.body).empty()) body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object()) co_return api_error(kBad, "Invalid JSON in body of request");
  for (const char* name : {"proxy", "servers"})
    if (body.contains(name) && !body[name].is_boolean())
      co_return api_error(kBad, std::string(name) + " value must be true or false, got " +
                                    body[name].dump().substr(0, 64));
  const bool servers = body.value("servers", parts.settings.stop_servers_on_exit);
  asio::co_spawn(parts.loop, end_ourselves(parts.launcher, servers), asio::detached);
  co_return json(kAccepted, {{"message", "Shutting down Hub"}});
}

}  // namespace passerelle::hub::api
