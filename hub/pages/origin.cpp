// The way of a signed-in browser to a person's or a server's own origin and what that origin
// answers by itself (hub/origins.hpp). No page of the hub is ever shown there but that something
// failed: a notebook's script could work it.
#include "base/secrets.hpp"
#include "hub/answers.hpp"
#include "hub/gateway.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kBadRequest = 400;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kMisdirected = 421;
constexpr std::string_view kArrive = "/hub/origin/arrive";

std::string asked_for(const Call& call) {
  return call.request.path + (call.request.query.empty() ? "" : "?" + call.request.query);
}

/// A person's, or a server's whole name.
bool is_label(const Origins& origins, std::string_view label) {
  constexpr std::size_t kLongest = 63;
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyz0123456789-";
  const std::string_view first = label.substr(0, label.find('.'));
  if (first.empty() || first.size() > kLongest) return false;
  if (first.find_first_not_of(kPlain) != std::string_view::npos) return false;
  return label.size() == first.size() ? origins.on() : origins.server_in(label) == label;
}

std::string origin_of(const Origins& origins, std::string_view label) {
  return label.find('.') == std::string_view::npos ? origins.of(label) : origins.of_server(label);
}

/// Of any name that leads to it.
ServerPtr server_at(const Parts& parts, std::string_view name) {
  const std::string prefix = Origins::route_prefix(name);
  if (prefix.empty()) return nullptr;
  for (const auto& [key, server] : parts.launcher.all())
    if (server->route_prefix == prefix) return server;
  return nullptr;
}

proxy::HubResponse no_server(Parts& parts, const Call& call) {
  if (!call.wants_page()) return problem(parts, call, kNotFound, "No server stands at this name");
  Json view = web::status_words(kNotFound);
  view["status"] = kNotFound;
  view["sentence"] = web::say("error.no-server");
  return page(parts, call, kNotFound, "error", view);
}

/// What the hub says in place of a ticket for a server's name; nothing: it runs, and the person may
/// use it.
std::optional<proxy::HubResponse> in_place_of_ticket(Parts& parts,
                                                     const Call& call,
                                                     const std::string& name,
                                                     const std::string& next) {
  const ServerPtr server = server_at(parts, name);
  if (!server) return no_server(parts, call);
  const auto target =
      auth::Target::of_server(server->username, server->record.name, server->groups);
  if (!call.principal || !auth::allowed(*call.principal, "access:servers", target))
    return problem(parts, call, kForbidden);
  if (server->record.phase == store::Phase::running) return std::nullopt;
  return redirect(server->base_path + next.substr(1));  // told of, and started, there
}

// A course shows us in a frame: its browser keeps cookies of a frame apart.
bool in_frame(const Call& call) {
  return call.request.header("sec-fetch-dest") == "iframe";
}

/// To the hub for a ticket. The cookie tells this browser from one that is sent here with somebody
/// else's ticket, to work under that somebody's name without knowing it.
proxy::HubResponse ask_hub(Parts& parts, Call& call) {
  const std::string browser = secrets::random_token();
  call.set_cookies.push_back(parts.cookies.arrival(browser, in_frame(call), call.at_server));
  return redirect(parts.origins.hub() + parts.settings.base_url + "hub/origin?label=" +
                  text::percent_encode(call.label) + "&browser=" + secrets::sha256_hex(browser) +
                  "&next=" + text::percent_encode(asked_for(call)));
}

proxy::HubResponse arrive(Parts& parts, Call& call) {
  const auto arrival = parts.arrivals.take(std::string(text::field(call.query, "ticket")));
  const auto browser =
      auth::find_cookie(call.request.header("cookie"), parts.cookies.arrival_name());
  const bool good = arrival && browser && arrival->label == call.label &&
                    secrets::equal(arrival->browser, secrets::sha256_hex(*browser));
  // Another tab was faster, or it took too long: the hub knows the way, and asks who it is.
  if (!good) return redirect(parts.origins.hub() + parts.settings.base_url + "hub/home");
  const bool framed = in_frame(call);
  call.set_cookies.push_back(parts.cookies.arrival("", framed, call.at_server));
  call.set_cookies.push_back(
      parts.cookies.origin(arrival->key, arrival->lasts, framed, call.at_server));
  return redirect(arrival->next);
}

}  // namespace

// At the hub: a ticket for the origin that sent the browser here. Whether the person may see what
// is there, the gate asks on each request.
Task<Answer> origin_ticket(Parts& parts, Call& call) {
  const std::string label(text::field(call.query, "label"));
  const std::string next(text::field(call.query, "next"));
  const std::string browser(text::field(call.query, "browser"));
  const bool by_name = label.find('.') != std::string::npos;
  const std::string_view below = by_name ? "/" : std::string_view(parts.settings.base_url);
  const bool ours = next.starts_with(below) && !next.starts_with("//") &&
                    next.find_first_of("\\\r\n\t") == std::string::npos;
  if (parts.origins.everybody().empty()) co_return problem(parts, call, kNotFound);
  if (!is_label(parts.origins, label) || !ours || browser.empty())
    co_return problem(parts, call, kBadRequest);
  if (by_name)
    if (auto other = in_place_of_ticket(parts, call, label, next)) co_return std::move(*other);
  const seconds lasts = std::chrono::ceil<seconds>(call.session->expires - parts.clock.now());
  const std::string ticket = parts.arrivals.add(
      {label, browser, parts.origin_keys.make(*call.session, label), lasts, next});
  co_return redirect(origin_of(parts.origins, label) + parts.settings.base_url +
                     "hub/origin/arrive?ticket=" + ticket);
}

// Everything the gate did not forward at a person's origin.
Task<Answer> persons_origin(Parts& parts, Call& call) {
  const bool opens = call.is_get() && call.wants_page();
  if (call.is_get() && call.path == kArrive) co_return arrive(parts, call);
  const std::string_view why = call.request.reason;
  if (opens && why == reason::kSignIn) co_return ask_hub(parts, call);
  const bool elsewhere = why.empty() || why == reason::kNoRoute || why == reason::kElsewhere;
  if (opens && elsewhere) co_return redirect(parts.origins.hub() + asked_for(call));
  if (why.empty() || why == reason::kElsewhere) co_return problem(parts, call, kNotFound);
  Answer answer = co_await not_running(parts, call);
  co_return answer;
}

// Everything the gate did not forward at a server's own name. What is to be said of a server that
// does not run, the hub says.
Task<Answer> server_name(Parts& parts, Call& call) {
  const bool opens = call.is_get() && call.wants_page();
  const std::string_view why = call.request.reason;
  if (why.empty()) {
    if (call.is_get() && call.path == kArrive) co_return arrive(parts, call);
    co_return problem(parts, call, kNotFound);
  }
  if (opens && (why == reason::kSignIn || why == reason::kNoRoute)) co_return ask_hub(parts, call);
  // The links of the page that says so lead home.
  if (opens && call.path.starts_with("/hub/"))
    co_return redirect(parts.origins.hub() + asked_for(call));
  const ServerPtr server = server_at(parts, call.label);
  co_return server ? not_there(parts, call, *server) : no_server(parts, call);
}

// At the hub: a server that stands at its owner's origin.
proxy::HubResponse at_its_origin(Parts& parts, const Call& call, const std::string& username) {
  const std::string there = parts.origins.of(origin_label(username)) + asked_for(call);
  if (call.is_get()) return redirect(there);
  return problem(parts, call, kMisdirected, "It stands at " + there);
}

// The same for one that stands at its own name, whose addresses begin at "/".
proxy::HubResponse at_its_name(Parts& parts, const Call& call, const Server& server) {
  std::string_view rest = call.request.path;
  rest.remove_prefix(parts.settings.base_url.size());
  const int segments = server.record.name.empty() ? 2 : 3;  // "user/alice/named/"
  for (int i = 0; i < segments; ++i)
    rest = rest.substr(std::min(rest.find('/'), rest.size() - 1) + 1);
  std::string there = parts.origins.of_server(server.host) + "/" + std::string(rest);
  if (!call.request.query.empty()) there += "?" + call.request.query;
  if (call.is_get()) return redirect(there);
  return problem(parts, call, kMisdirected, "It stands at " + there);
}

}  // namespace passerelle::hub::pages
