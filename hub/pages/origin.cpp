// The way of a signed-in browser to a person's own origin and what that origin answers by itself
// (hub/origins.hpp). No page of the hub is ever shown there: a notebook's script could work it.
#include "base/secrets.hpp"
#include "hub/answers.hpp"
#include "hub/gateway.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr std::string_view kArrive = "/hub/origin/arrive";

std::string asked_for(const Call& call) {
  return call.request.path + (call.request.query.empty() ? "" : "?" + call.request.query);
}

bool is_label(std::string_view label) {
  constexpr std::size_t kLongest = 63;
  return !label.empty() && label.size() <= kLongest &&
         label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// A course shows us in a frame: its browser keeps cookies of a frame apart.
bool in_frame(const Call& call) {
  return call.request.header("sec-fetch-dest") == "iframe";
}

/// To the hub for a ticket. The cookie tells this browser from one that is sent here with somebody
/// else's ticket, to work under that somebody's name without knowing it.
proxy::HubResponse ask_hub(Parts& parts, Call& call) {
  const std::string browser = secrets::random_token();
  call.set_cookies.push_back(parts.cookies.arrival(browser, in_frame(call)));
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
  call.set_cookies.push_back(parts.cookies.arrival("", in_frame(call)));
  call.set_cookies.push_back(parts.cookies.origin(arrival->key, arrival->lasts, in_frame(call)));
  return redirect(arrival->next);
}

}  // namespace

// At the hub: a ticket for the origin that sent the browser here. Whether the person may see what
// is there, the gate asks on each request.
Task<Answer> origin_ticket(Parts& parts, Call& call) {
  const std::string label(text::field(call.query, "label"));
  const std::string next(text::field(call.query, "next"));
  const std::string browser(text::field(call.query, "browser"));
  const bool ours = next.starts_with(parts.settings.base_url) && !next.starts_with("//") &&
                    next.find_first_of("\\\r\n\t") == std::string::npos;
  if (!parts.origins.on()) co_return problem(parts, call, kNotFound);
  if (!is_label(label) || !ours || browser.empty()) co_return problem(parts, call, kBadRequest);
  const seconds lasts = std::chrono::ceil<seconds>(call.session->expires - parts.clock.now());
  const std::string ticket = parts.arrivals.add(
      {label, browser, parts.origin_keys.make(*call.session, label), lasts, next});
  co_return redirect(parts.origins.of(label) + parts.settings.base_url +
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

// At the hub: a server that stands at its owner's origin.
proxy::HubResponse at_its_origin(Parts& parts, const Call& call, const std::string& username) {
  constexpr int kMisdirected = 421;
  const std::string there = parts.origins.of(origin_label(username)) + asked_for(call);
  if (call.is_get()) return redirect(there);
  return problem(parts, call, kMisdirected, "It stands at " + there);
}

}  // namespace passerelle::hub::pages
