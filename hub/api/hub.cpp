// The hub itself over REST: routes, what it is made of, and its end.
#include <csignal>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <unistd.h>

#include "hub/api/models.hpp"
#include "hub/api/pages.hpp"
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
  auto wanted = page_wanted(call);
  if (!wanted) co_return refuse(wanted.error());
  std::map<std::string, ServerPtr> routes;
  for (const auto& [key, server] : parts.launcher.all())
    if (server->route) routes.emplace(server->base_path, server);
  // Scripts that know no pages get all of it, not the first 200.
  const bool paged = wanted->told || !text::field(call.query, "limit").empty() ||
                     !text::field(call.query, "offset").empty();
  if (!paged) wanted->limit = routes.size();
  Json all = Json::object();
  std::size_t at = 0;
  for (const auto& [path, server] : routes) {
    if (at++ < wanted->offset || all.size() >= wanted->limit) continue;
    Json data = {{"user", server->username},
                 {"server_name", server->record.name},
                 {"last_activity", to_iso8601(last_activity(*server))}};
    all[path] = {{"routespec", path},
                 {"target", target_of(server->route->upstream)},
                 {"data", std::move(data)}};
  }
  co_return page_answer(call, *wanted, std::move(all), routes.size());
}

// Our proxy has the routes themselves, not a copy: there is nothing to bring together.
Task<Answer> check_routes(Parts& parts, Call& call) {
  if (!may(call, "proxy")) co_return lacks("proxy");
  parts.tally.took("check_routes", "", Tally::Clock::now());
  co_return proxy::HubResponse{kOk, {{"Content-Type", "text/plain"}}, ""};
}

// Pages of jupyterhub-singleuser have browsers report here. Only counted: anybody can write it.
Task<Answer> csp_report(Parts& parts, Call& /*call*/) {
  constexpr int kNoContent = 204;
  ++parts.tally.csp_reports;
  co_return proxy::HubResponse{kNoContent, {}, ""};
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
