// Launches from a course: the addresses that courses hold, and the way from a good launch to the
// person's server.
#include "base/log.hpp"
#include "hub/answers.hpp"
#include "hub/gateway.hpp"
#include "hub/methods.hpp"
#include "hub/pages/course.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

// Of one type, or of all types that people come by launches with.
std::vector<auth::Authenticator*> launch_methods(const Parts& parts, std::string_view type = "") {
  std::vector<auth::Authenticator*> methods;
  for (const config::Authenticator& entry : parts.settings.authenticators) {
    auth::Authenticator* method = find_method(parts, entry.name);
    if (method->launches() && (type.empty() || entry.type == type)) methods.push_back(method);
  }
  return methods;
}

// The one that knows the platform; the first when none does, so that the refusal is told.
Task<auth::Authenticator*> method_for(Parts& parts, const Call& call, const char* type) {
  const std::vector<auth::Authenticator*> methods = launch_methods(parts, type);
  auth::AuthRequest request;
  request.query = call.query;
  request.form = call.form;
  for (auth::Authenticator* method : methods) {
    const bool its_own = co_await method->claims(request);
    if (its_own) co_return method;
  }
  co_return methods.empty() ? nullptr : methods.front();
}

Task<Answer> hand_on(Parts& parts, Call& call, auth::Authenticator* method, const char* path) {
  if (method == nullptr) co_return problem(parts, call, kNotFound);
  call.args = {method->name(), path};
  Answer answer = co_await authenticator(parts, call);
  co_return answer;
}

// A page of ours that the course asks for is shown; what leads to a server is worth starting one.
bool leads_to_server(const Parts& parts, std::string_view next) {
  if (next.empty()) return true;
  for (const char* below : {"hub/user-redirect/", "user-redirect/", "user/", "hub/spawn"})
    if (next.starts_with(parts.settings.base_url + below)) return true;
  return false;
}

std::string with_next(std::string url, std::string_view next) {
  if (!next.empty()) url.append("?next=").append(text::percent_encode(next));
  return url;
}

const config::Profile* profile_for(const Parts& parts,
                                   const store::User& user,
                                   std::string_view name) {
  const auto mine = profiles_for(parts.settings, user);
  if (name.empty()) return mine.size() == 1 ? mine[0] : nullptr;
  for (const config::Profile* profile : mine)
    if (profile->name == name) return profile;
  return nullptr;
}

// Where the browser goes once the server is on its way. A GET never starts anything; the launch is
// a POST that proved itself.
Task<std::string> start_for(Parts& parts,
                            const Call& call,
                            const auth::SessionView& session,
                            std::string profile,
                            std::string next) {
  const std::string hub = parts.settings.base_url + "hub/";
  if (!leads_to_server(parts, next)) co_return next;
  const std::string choose = with_next(hub + "spawn", next);
  auto user = co_await parts.store.users().find(session.account().id);
  if (!user) co_return hub + "home";
  const std::string pending =
      with_next(hub + "spawn-pending/" + path_tail(user->username, ""), next);
  const ServerPtr server = parts.launcher.find({user->id, ""});
  if (server && server->record.phase == store::Phase::running)
    co_return next.empty() ? server->open_url : next;
  if (server && server->active()) co_return pending;
  const config::Profile* wanted = profile_for(parts, *user, profile);
  if (wanted == nullptr) co_return choose;
  LaunchRequest request;
  request.user = *user;
  request.profile = wanted->name;
  request.actor = user->username;
  request.peer = call.request.peer;
  request.authenticator = session.authenticator;
  request.subject = session.subject;
  auto launched = co_await parts.launcher.launch(std::move(request));
  if (launched || launched.error().code() == Errc::conflict ||
      launched.error().cause() == Cause::internal)
    co_return pending;
  co_return choose;
}

// Whether a session's cookie came back shows if this browser keeps any here. With two activities
// on one page the other's launch may have put its own session in the place of this one: the same
// person's does as well.
bool came_in(const Parts& parts, const Call& call, const std::string& secret) {
  if (!call.session) return false;
  const auth::SessionPointer made = parts.sessions.verify(secret);
  return !made || made->account().id == call.session->account().id;
}

}  // namespace

Task<Answer> land(Parts& parts, Call& call, auth::Welcome in) {
  if (in.activity) {
    const store::UserId user = in.session->account().id;
    auto noted =
        co_await parts.store.activities().note(user, std::move(*in.activity), parts.clock.now());
    // The notebook opens all the same; the grade of this activity has nowhere to go until the next
    // launch.
    if (!noted)
      log::warn("lti", "what was opened could not be stored", {{"why", noted.error().message()}});
  }
  std::string next = in.next;
  if (in.launch) {
    std::string profile = *in.launch;
    next = co_await start_for(parts, call, *in.session, std::move(profile), std::move(next));
  }
  if (next.empty()) next = parts.settings.base_url + "hub/home";
  call.set_cookies.push_back(parts.cookies.clear_session());
  call.set_cookies.push_back(parts.cookies.framed_session(in.secret, in.lasts));
  const std::string ticket = parts.landings.add({std::move(in.secret), in.lasts, std::move(next)});
  co_return redirect(parts.settings.base_url + "hub/lti/ready?ticket=" + ticket);
}

bool takes_launches(const Parts& parts) {
  return !launch_methods(parts).empty();
}

Task<Answer> lti_launch(Parts& parts, Call& call) {
  auth::Authenticator* method = co_await method_for(parts, call, "lti11");
  Answer answer = co_await hand_on(parts, call, method, "launch");
  co_return answer;
}

Task<Answer> lti11_config(Parts& parts, Call& call) {
  const auto methods = launch_methods(parts, "lti11");
  Answer answer =
      co_await hand_on(parts, call, methods.empty() ? nullptr : methods.front(), "config");
  co_return answer;
}

Task<Answer> lti13_login(Parts& parts, Call& call) {
  auth::Authenticator* method = co_await method_for(parts, call, "lti13");
  Answer answer = co_await hand_on(parts, call, method, "oauth_login");
  co_return answer;
}

Task<Answer> lti13_callback(Parts& parts, Call& call) {
  auth::Authenticator* method = co_await method_for(parts, call, "lti13");
  Answer answer = co_await hand_on(parts, call, method, "oauth_callback");
  co_return answer;
}

Task<Answer> lti13_config(Parts& parts, Call& call) {
  const auto methods = launch_methods(parts, "lti13");
  Answer answer =
      co_await hand_on(parts, call, methods.empty() ? nullptr : methods.front(), "config");
  co_return answer;
}

// One key set for all of them.
Task<Answer> lti13_keys(Parts& parts, Call& call) {
  const auto methods = launch_methods(parts, "lti13");
  Answer answer =
      co_await hand_on(parts, call, methods.empty() ? nullptr : methods.front(), "jwks.json");
  co_return answer;
}

Task<Answer> lti_ready(Parts& parts, Call& call) {
  const std::string ticket(text::field(call.query, "ticket"));
  call.framed_by = launch_methods(parts);
  const Landing* landing = parts.landings.find(ticket);
  if (landing == nullptr) {
    if (call.session) co_return redirect(parts.settings.base_url + "hub/home");
    co_return course_page(parts, call, kForbidden, web::say("sign-in.lti.ticket"), "LTI-TICKET");
  }
  if (came_in(parts, call, landing->secret)) co_return redirect(parts.landings.take(ticket)->next);
  // Browsers keep our cookies of a page of our own. Who comes there without one was sent the
  // address by somebody else, whose launch it is (login CSRF).
  if (call.request.header("sec-fetch-dest") == "document")
    co_return course_page(parts, call, kForbidden, web::say("sign-in.lti.ticket"), "LTI-TICKET");
  const Json view = {
      {"title", web::say("course.title")},
      {"message", web::say("course.no-cookies")},
      {"continue", {{"action", parts.settings.base_url + "hub/lti/continue"}, {"ticket", ticket}}}};
  co_return page(parts, call, kOk, "course", view);
}

// From our own page only: another site must not sign its visitors in as somebody else.
Task<Answer> lti_continue(Parts& parts, Call& call) {
  const proxy::HubRequest& request = call.request;
  if (cross_origin(request.method, false, request.header("sec-fetch-site"),
                   request.header("origin"), request.host))
    co_return problem(parts, call, kForbidden);
  auto landing = parts.landings.take(std::string(text::field(call.form, "ticket")));
  if (!landing)
    co_return course_page(parts, call, kForbidden, web::say("sign-in.lti.ticket"), "LTI-TICKET");
  call.set_cookies.push_back(parts.cookies.clear_session());
  call.set_cookies.push_back(parts.cookies.framed_session(landing->secret, landing->lasts));
  co_return redirect(landing->next);
}

}  // namespace passerelle::hub::pages
