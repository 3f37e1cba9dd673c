// What stands at a server's address when the gate does not forward: nobody signed in, somebody
// else's server, or a server that is stopped, starting or stopping. People get a page with a
// button, programs problem+json.
#include "hub/answers.hpp"
#include "hub/gateway.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kNotRunning =
    424;  // for programs: tells "stopped" from what the server itself answers
constexpr int kUnavailable = 503;

// "/user/alice/named/x": which server was meant. A second segment is a server's name only if there
// is such a server.
struct Meant {
  std::string username;
  ServerPtr server;
};

Meant meant_by(const Parts& parts, std::string_view rest) {
  const auto segments = text::split(rest, '/');
  Meant meant;
  meant.username = text::percent_decode(segments[0]).value_or("");
  const std::string named =
      segments.size() > 1 ? text::percent_decode(segments[1]).value_or("") : "";
  for (const auto& [key, server] : parts.launcher.all()) {
    if (server->username != meant.username) continue;
    if (key.name.empty() && !meant.server) meant.server = server;
    if (!key.name.empty() && key.name == named) meant.server = server;
  }
  return meant;
}

// What the proxy says of an upstream that failed (proxy/forward.cpp), as HTTP does.
int status_for(std::string_view reason) {
  constexpr int kBadGateway = 502;
  constexpr int kTimeout = 504;
  if (reason == "upstream-timeout") return kTimeout;
  if (reason == "upstream-invalid" || reason == "upstream-closed") return kBadGateway;
  return kUnavailable;
}

std::string asked_for(const Call& call) {
  return call.request.path + (call.request.query.empty() ? "" : "?" + call.request.query);
}

proxy::HubResponse tell_program(const Parts& parts, const Meant& meant) {
  const std::string state =
      meant.server ? std::string(to_string(meant.server->record.phase)) : "stopped";
  const std::string at =
      parts.settings.base_url + "hub/spawn/" + text::percent_encode(meant.username);
  const std::string message =
      "The server of " + meant.username + " is " + state + ". Start it at " + at;
  Json body = {
      {"type", "about:blank"}, {"status", kNotRunning}, {"title", "The server is not running"},
      {"state", state},        {"message", message},    {"detail", message}};
  if (meant.server && meant.server->record.cause)
    body["cause"] = to_string(*meant.server->record.cause);
  proxy::HubResponse response = json(kNotRunning, body);
  response.headers[0].second = "application/problem+json";
  return response;
}

void tell_of_end(const Parts& parts, const Server& server, bool mine, Json& view) {
  const store::ServerRecord& record = server.record;
  view["title"] = title_of(parts.settings, record.profile);
  if (const Json ended = ended_words(record); !ended.is_null()) view["ended"] = ended;
  if (record.ended) view["at"] = web::moment(*record.ended);
  if (mine && record.cause && *record.cause != Cause::cancelled)
    view["failure_url"] = parts.settings.base_url + "hub/spawn-pending/" + path_tail(server);
}

proxy::HubResponse tell_person(Parts& parts, const Call& call, const Meant& meant, bool mine) {
  Json view = {{"title", meant.username}, {"mine", mine}};
  if (!mine) view["owner"] = meant.username;
  if (meant.server) tell_of_end(parts, *meant.server, mine, view);
  if (mine) {
    const std::string profile =
        meant.server ? meant.server->record.profile : parts.settings.profiles.front().name;
    const std::string tail =
        meant.server ? path_tail(*meant.server) : text::percent_encode(meant.username);
    view["start"] = {{"action", parts.settings.base_url + "hub/spawn/" + tail},
                     {"profile", profile}};
    if (call.is_get()) view["start"]["next"] = asked_for(call);
  }
  proxy::HubResponse response = page(parts, call, kUnavailable, "stopped", view);
  response.headers.emplace_back("Retry-After", "30");
  return response;
}

}  // namespace

proxy::HubResponse not_there(Parts& parts, const Call& call, const Server& server) {
  const auto target = auth::Target::of_server(server.username, server.record.name, server.groups);
  const bool may = call.principal && call.request.reason != reason::kCrossOrigin &&
                   auth::allowed(*call.principal, "access:servers", target);
  if (!may) return problem(parts, call, kForbidden);
  if (server.record.phase == store::Phase::running)
    return problem(parts, call, status_for(call.request.reason));
  if (call.wants_page()) return problem(parts, call, kUnavailable);
  const ServerKey key = server.key();
  return tell_program(parts, {server.username, parts.launcher.find(key)});
}

Task<Answer> not_running(Parts& parts, Call& call) {
  const std::string hub = parts.settings.base_url + "hub/";
  if (!call.principal) {
    if (!call.wants_page() || !call.is_get()) co_return problem(parts, call, kForbidden);
    co_return redirect(hub + "login?next=" + text::percent_encode(asked_for(call)));
  }
  const Meant meant = meant_by(parts, call.args[0]);
  const std::vector<std::string> no_groups;
  const auth::Target target = auth::Target::of_server(
      meant.username, meant.server ? std::string_view(meant.server->record.name) : "",
      meant.server ? meant.server->groups : no_groups);
  if (call.request.reason == reason::kCrossOrigin ||
      !auth::allowed(*call.principal, "access:servers", target))
    co_return problem(parts, call, kForbidden);
  if (call.request.reason == reason::kElsewhere)
    co_return at_its_origin(parts, call, meant.username);
  if (!meant.server && meant.username != call.username()) co_return problem(parts, call, kNotFound);
  if (meant.server && !meant.server->host.empty() &&
      meant.server->record.phase == store::Phase::running)
    co_return at_its_name(parts, call, *meant.server);
  // It runs, so the gate forwarded: its upstream did not answer.
  if (meant.server && meant.server->record.phase == store::Phase::running)
    co_return problem(parts, call, status_for(call.request.reason));
  if (!call.wants_page()) co_return tell_program(parts, meant);
  if (meant.server && meant.server->active() && call.is_get())
    co_return redirect(hub + "spawn-pending/" + path_tail(*meant.server) +
                       "?next=" + text::percent_encode(asked_for(call)));
  const bool mine = auth::allowed(*call.principal, "start:servers", target);
  co_return tell_person(parts, call, meant, mine);
}

// "/hub/user/alice/x": where JupyterHub answers for a server that does not run. What is there now
// stands at the server's own address.
Task<Answer> below_hub(Parts& parts, Call& call) {
  if (!call.is_get()) {
    Answer answer = co_await not_running(parts, call);
    co_return answer;
  }
  std::string own = parts.settings.base_url + "user/" + call.args[0];
  if (!call.request.query.empty()) own += "?" + call.request.query;
  co_return redirect(std::move(own));
}

}  // namespace passerelle::hub::pages
