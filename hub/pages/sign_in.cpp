// Signing in and out: the page with every method, what each method answers, and the cookies that go
// with it.
#include "base/secrets.hpp"
#include "hub/answers.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

// The configured label, or what kind of method it is.
Json label_of(const config::Authenticator& settings) {
  if (settings.label.empty()) return web::say("sign-in.method." + settings.type);
  return web::words(settings.label, settings.name);
}

const config::Authenticator& settings_of(const Parts& parts, std::string_view name) {
  for (const config::Authenticator& one : parts.settings.authenticators)
    if (one.name == name) return one;
  return parts.settings.authenticators.front();
}

Json field_view(const auth::SignInOffer::Field& field, const auth::ShowForm* shown) {
  Json view = {{"name", field.name},         {"label", web::field_label(field.name)},
               {"type", field.type},         {"autocomplete", field.autocomplete},
               {"required", field.required}, {"numeric", field.name == "pin"}};
  if (field.name == "pin") view["hint"] = web::say("sign-in.hint.pin");
  if (shown == nullptr) return view;
  if (const auto kept = shown->keep.find(field.name); kept != shown->keep.end())
    view["value"] = kept->second;
  return view;
}

std::map<std::string, Json> json_values(const std::map<std::string, std::string>& values) {
  return {values.begin(), values.end()};
}

Json method_view(const Parts& parts,
                 const auth::Authenticator& method,
                 const auth::ShowForm* shown) {
  const auth::SignInOffer offer = method.offer();
  Json view = {{"id", method.name()}, {"label", label_of(settings_of(parts, method.name()))}};
  if (shown != nullptr && !shown->message.empty())
    view["message"] = web::say(shown->message, json_values(shown->message_values));
  const std::string below =
      parts.settings.base_url + "hub/auth/" + text::percent_encode(method.name()) + "/login";
  if (offer.kind == auth::SignInOffer::Kind::button) view["button"] = {{"url", below}};
  if (offer.kind != auth::SignInOffer::Kind::form) return view;
  Json form = {{"action", below}, {"fields", Json::array()}};
  if (!offer.note.empty()) form["note"] = web::say(offer.note, json_values(offer.note_values));
  for (const auto& field : offer.fields) form["fields"].push_back(field_view(field, shown));
  if (shown != nullptr)
    for (const auto& field : shown->extra_fields)
      form["fields"].push_back(field_view(field, shown));
  view["form"] = std::move(form);
  return view;
}

// The sign-in form's own token rests on a random cookie, as there is no session yet.
void give_visitor_token(const Parts& parts, Call& call) {
  const auto known = auth::find_cookie(call.request.header("cookie"), parts.cookies.visitor_name());
  std::string visitor(known.value_or(""));
  if (visitor.empty()) {
    visitor = secrets::random_token();
    call.set_cookies.push_back(parts.cookies.visitor(visitor));
  }
  call.csrf = parts.csrf.visitor_token(visitor);
}

proxy::HubResponse sign_in_page(Parts& parts,
                                Call& call,
                                int status,
                                std::string_view next,
                                const std::string& method,
                                const auth::ShowForm* shown) {
  give_visitor_token(parts, call);
  Json view = {{"methods", Json::array()}};
  for (const auto& one : parts.authenticators) {
    if (one->offer().kind == auth::SignInOffer::Kind::none) continue;
    view["methods"].push_back(method_view(parts, *one, one->name() == method ? shown : nullptr));
  }
  if (!next.empty()) view["next"] = next;
  const std::string here = parts.settings.base_url + "hub/login" +
                           (next.empty() ? "" : "?next=" + text::percent_encode(next));
  return page_at(parts, call, here, status, "sign_in", view);
}

void give_own_cookies(const Parts& parts,
                      Call& call,
                      const auth::Authenticator& method,
                      const auth::OwnCookies& cookies) {
  for (const auto& [name, cookie] : cookies)
    call.set_cookies.push_back(
        parts.cookies.of_authenticator(method.name(), name, cookie.value, cookie.lasts));
}

// An answer for a program.
proxy::HubResponse reply_of(auth::Reply&& reply) {
  proxy::HubResponse response{reply.status, {{"Content-Type", reply.content_type}}, reply.body};
  if (!reply.cacheable) response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

proxy::HubResponse welcome(Parts& parts,
                           Call& call,
                           const auth::Authenticator& method,
                           auth::Welcome&& in) {
  call.set_cookies.push_back(parts.cookies.session(in.secret, in.lasts));
  give_own_cookies(parts, call, method, in.set_cookies);
  const std::string next = in.next.empty() ? parts.settings.base_url + "hub/home" : in.next;
  const auto pin = in.notice_values.find("pin");
  if (pin == in.notice_values.end()) return redirect(next);
  call.session = in.session;
  call.csrf = in.session->csrf;
  const Json view = {
      {"name", in.session->account().display_name}, {"pin", pin->second}, {"continue_url", next}};
  return page_at(parts, call, parts.settings.base_url + "hub/home", kOk, "welcome", view);
}

auth::AuthRequest auth_request(const Parts& parts, const Call& call, const std::string& method) {
  auth::AuthRequest request;
  request.method = call.request.method;
  request.path = call.args[1];
  request.query = call.query;
  request.form = call.form;
  request.cookies = parts.cookies.for_authenticator(method, call.request.header("cookie"));
  request.peer = call.request.peer;
  std::string_view next = text::field(call.form, "next");
  if (next.empty()) next = text::field(call.query, "next");
  request.next = text::safe_next(next).value_or("");
  request.language = call.language;
  return request;
}

// A sign-in that another site submits would put the victim into the attacker's account (login
// CSRF).
bool forged_sign_in(const Parts& parts, const Call& call) {
  const auto visitor =
      auth::find_cookie(call.request.header("cookie"), parts.cookies.visitor_name());
  return !visitor || !parts.csrf.check_visitor(*visitor, text::field(call.form, web::kCsrfField));
}

}  // namespace

Task<Answer> sign_in(Parts& parts, Call& call) {
  const std::string next = text::safe_next(text::field(call.query, "next")).value_or("");
  if (call.session) co_return redirect(next.empty() ? parts.settings.base_url + "hub/home" : next);
  co_return sign_in_page(parts, call, kOk, next, "", nullptr);
}

Task<Answer> authenticator(Parts& parts, Call& call) {
  auth::Authenticator* method = nullptr;
  for (const auto& one : parts.authenticators)
    if (one->name() == call.args[0]) method = one.get();
  if (method == nullptr) co_return problem(parts, call, kNotFound);
  auth::AuthRequest request = auth_request(parts, call, method->name());
  const std::string next = request.next;
  if (call.request.method == "POST" && !method->takes_foreign_post(request.path) &&
      forged_sign_in(parts, call)) {
    auth::ShowForm again;
    again.message = "sign-in.stale";
    again.keep["username"] = text::field(call.form, "username").substr(0, 64);
    co_return sign_in_page(parts, call, kForbidden, next, method->name(), &again);
  }
  auth::Browser browser;
  browser.user_agent = call.request.header("user-agent");
  browser.old_secret =
      auth::find_cookie(call.request.header("cookie"), parts.cookies.session_name()).value_or("");
  auto answer = co_await parts.login.handle(*method, std::move(request), std::move(browser));
  if (!answer) co_return problem(parts, call, status_of(answer.error()), answer.error().message());
  if (auto* in = std::get_if<auth::Welcome>(&*answer))
    co_return welcome(parts, call, *method, std::move(*in));
  if (auto* elsewhere = std::get_if<auth::Redirect>(&*answer)) {
    give_own_cookies(parts, call, *method, elsewhere->set_cookies);
    co_return redirect(elsewhere->url);
  }
  if (auto* reply = std::get_if<auth::Reply>(&*answer)) co_return reply_of(std::move(*reply));
  if (auto* refused = std::get_if<auth::Refused>(&*answer)) {
    auth::ShowForm told;
    told.message = "sign-in.refused." + refused->reason;
    co_return sign_in_page(parts, call, kForbidden, next, method->name(), &told);
  }
  const auto& shown = std::get<auth::ShowForm>(*answer);
  give_own_cookies(parts, call, *method, shown.set_cookies);
  const std::string again = shown.next.empty() ? next : text::safe_next(shown.next).value_or("");
  proxy::HubResponse response =
      sign_in_page(parts, call, shown.status, again, method->name(), &shown);
  if (shown.retry_after)
    response.headers.emplace_back("Retry-After", std::to_string(shown.retry_after->count()));
  co_return response;
}

Task<Answer> ask_sign_out(Parts& parts, Call& call) {
  if (!call.session) co_return redirect(parts.settings.base_url + "hub/login");
  bool running = false;
  for (const ServerPtr& server : parts.launcher.of_user(call.session->account().id))
    running = running || server->active();
  const Json view = {{"action", parts.settings.base_url + "hub/logout"}, {"running", running}};
  co_return page(parts, call, kOk, "sign_out", view);
}

Task<Answer> sign_out(Parts& parts, Call& call) {
  bool running = false;
  if (call.session) {
    for (const ServerPtr& server : parts.launcher.of_user(call.session->account().id))
      running = running || server->active();
    auto ended = co_await parts.login.sign_out(call.session, call.request.peer);
    // It has ended in memory in any case; a store that cannot write is the operators' trouble, not
    // this person's.
    (void)ended;
  }
  call.session.reset();
  call.set_cookies.push_back(parts.cookies.clear_session());
  const Json view = {{"sign_in_url", parts.settings.base_url + "hub/login"}, {"running", running}};
  co_return page_at(parts, call, parts.settings.base_url + "hub/login", kOk, "signed_out", view);
}

}  // namespace passerelle::hub::pages
