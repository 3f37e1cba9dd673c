// Signing in: the page with every method, what each method answers, and the cookies that go with
// it.
#include <algorithm>

#include "base/secrets.hpp"
#include "config/values.hpp"
#include "hub/answers.hpp"
#include "hub/gateway.hpp"
#include "hub/methods.hpp"
#include "hub/pages/course.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"
#include "proxy/trusted.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

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

std::string login_path(const Parts& parts, const auth::Authenticator& method) {
  return parts.settings.base_url + "hub/auth/" + text::percent_encode(method.name()) + "/login";
}

std::string with_next(std::string path, std::string_view next) {
  if (!next.empty()) path += "?next=" + text::percent_encode(next);
  return path;
}

Json method_view(const Parts& parts,
                 const auth::Authenticator& method,
                 std::string_view next,
                 const auth::ShowForm* shown) {
  const auth::SignInOffer offer = method.offer();
  Json view = {{"id", method.name()}, {"label", method_label(parts.settings, method.name())}};
  if (const std::string picture = method_picture(parts.settings, method.name()); !picture.empty())
    view["icon"] = parts.renderer.asset_url(picture);
  if (shown != nullptr && !shown->message.empty())
    view["message"] = web::say(shown->message, json_values(shown->message_values));
  if (shown != nullptr && !shown->code.empty()) view["code"] = shown->code;
  const std::string below = login_path(parts, method);
  if (offer.kind == auth::SignInOffer::Kind::button)
    view["button"] = {{"url", with_next(below, next)}};
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

std::vector<auth::Authenticator*> methods_offered(const Parts& parts) {
  std::vector<auth::Authenticator*> offered;
  for (const auto& one : parts.authenticators)
    if (one->offer().kind != auth::SignInOffer::Kind::none) offered.push_back(one.get());
  return offered;
}

// That one first, the others as configured.
std::vector<auth::Authenticator*> in_order(std::vector<auth::Authenticator*> methods,
                                           std::string_view first) {
  std::stable_partition(methods.begin(), methods.end(),
                        [&](const auth::Authenticator* one) { return one->name() == first; });
  return methods;
}

proxy::HubResponse sign_in_page(Parts& parts,
                                Call& call,
                                int status,
                                std::string_view next,
                                const std::string& method,
                                const auth::ShowForm* shown) {
  give_visitor_token(parts, call);
  Json view = {{"methods", Json::array()}};
  const std::string last(
      auth::find_cookie(call.request.header("cookie"), parts.cookies.method_name()).value_or(""));
  const std::vector<auth::Authenticator*> offered = methods_offered(parts);
  for (const auth::Authenticator* one : in_order(offered, shown == nullptr ? last : method)) {
    Json section = method_view(parts, *one, next, one->name() == method ? shown : nullptr);
    if (offered.size() > 1 && one->name() == last) section["last"] = true;
    view["methods"].push_back(std::move(section));
  }
  if (!next.empty()) view["next"] = next;
  const std::string here = with_next(parts.settings.base_url + "hub/login", next);
  return page_at(parts, call, here, status, "sign_in", view);
}

void give_own_cookies(const Parts& parts,
                      Call& call,
                      const auth::Authenticator& method,
                      const auth::OwnCookies& cookies) {
  for (const auto& [name, cookie] : cookies)
    call.set_cookies.push_back(parts.cookies.of_authenticator(method.name(), name, cookie.value,
                                                              cookie.lasts, cookie.framed));
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
  if (takes_launches(parts)) call.set_cookies.push_back(parts.cookies.clear_framed_session());
  call.set_cookies.push_back(parts.cookies.session(in.secret, in.lasts));
  call.set_cookies.push_back(parts.cookies.method(method.name()));
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

// Only what stands in the connection itself counts: X-Forwarded-For is text that its sender wrote.
bool comes_from(const std::vector<std::string>& networks, const Call& call) {
  const auto trusted = proxy::TrustedProxies::parse(networks);
  return trusted && trusted->contains(call.request.direct_peer);
}

// Proxies in front may tell us another scheme or host than browsers used: what the operators wrote
// counts, and the others are for whoever asks why a signature is wrong.
void name_origins(const Parts& parts, const Call& call, auth::AuthRequest& request) {
  const proxy::HubRequest& came = call.request;
  request.whole_path = came.path;
  request.origin = parts.settings.public_url.empty() ? came.scheme + "://" + came.host
                                                     : config::origin_of(parts.settings.public_url);
  const std::size_t host = request.origin.find("://") + 3;
  const std::string forwarded(came.header("x-forwarded-host"));
  for (const std::string& name : {request.origin.substr(host), came.host, forwarded})
    for (const char* scheme : {"https://", "http://"})
      if (const std::string other = scheme + name;
          !name.empty() && name.size() < 256 && other != request.origin &&
          std::find(request.other_origins.begin(), request.other_origins.end(), other) ==
              request.other_origins.end())
        request.other_origins.push_back(other);
}

// Surely: a browser that does not say where it comes from is not believed.
bool from_our_page(const proxy::HubRequest& request) {
  const std::string_view site = request.header("sec-fetch-site");
  return site == "same-origin" &&
         !cross_origin(request.method, false, site, request.header("origin"), request.host);
}

auth::AuthRequest auth_request(const Parts& parts,
                               const Call& call,
                               const auth::Authenticator& authenticator) {
  const std::string& method = authenticator.name();
  auth::AuthRequest request;
  request.method = call.request.method;
  request.path = call.args[1];
  request.query = call.query;
  request.form = call.form;
  request.cookies = parts.cookies.for_authenticator(method, call.request.header("cookie"));
  request.peer = call.request.peer;
  if (comes_from(authenticator.headers_from(), call)) request.headers = call.request.headers;
  std::string_view next = text::field(call.form, "next");
  if (next.empty()) next = text::field(call.query, "next");
  request.next = text::safe_next(next).value_or("");
  request.language = call.language;
  const std::string_view shown_in = call.request.header("sec-fetch-dest");
  request.framed = shown_in == "iframe" || shown_in == "frame";
  request.from_us = from_our_page(call.request);
  name_origins(parts, call, request);
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

// A deep link (?method=univ) or auto_login leads on to a method that needs nothing typed; a link to
// one with a form shows that one alone.
Task<Answer> sign_in(Parts& parts, Call& call) {
  const std::string next = text::safe_next(text::field(call.query, "next")).value_or("");
  if (call.session) co_return redirect(next.empty() ? parts.settings.base_url + "hub/home" : next);
  const std::vector<auth::Authenticator*> offered = methods_offered(parts);
  if (offered.empty() && takes_launches(parts))
    co_return course_page(parts, call, kOk, web::say("sign-in.lti.open-from-course"), "");
  const std::string_view named = text::field(call.query, "method");
  const bool alone =
      offered.size() == 1 && parts.settings.auto_login && text::field(call.query, "notice").empty();
  for (const auth::Authenticator* one : offered)
    if ((one->name() == named || alone) && one->offer().kind == auth::SignInOffer::Kind::button)
      co_return redirect(with_next(login_path(parts, *one), next));
  const auth::ShowForm nothing_wrong;
  const bool known = std::any_of(offered.begin(), offered.end(),
                                 [&](const auto* one) { return one->name() == named; });
  co_return sign_in_page(parts, call, kOk, next, std::string(known ? named : ""),
                         known ? &nothing_wrong : nullptr);
}

Task<Answer> authenticator(Parts& parts, Call& call) {
  auth::Authenticator* method = find_method(parts, call.args[0]);
  if (method == nullptr) co_return problem(parts, call, kNotFound);
  call.framed_by = {method};
  auth::AuthRequest request = auth_request(parts, call, *method);
  const std::string next = request.next;
  if (call.request.method == "POST" && !method->takes_foreign_post(request.path) &&
      forged_sign_in(parts, call)) {
    auth::ShowForm again;
    again.message = "sign-in.stale";
    again.keep["username"] = text::field(call.form, "username").substr(0, 64);
    co_return sign_in_page(parts, call, kForbidden, next, method->name(), &again);
  }
  // Nobody types anything there, so there is no form to show again.
  const bool from_course = method->launches();
  auth::Browser browser;
  browser.user_agent = call.request.header("user-agent");
  browser.old_secret =
      auth::find_cookie(call.request.header("cookie"), parts.cookies.session_name()).value_or("");
  auto answer = co_await parts.login.handle(*method, std::move(request), std::move(browser));
  if (!answer) co_return problem(parts, call, status_of(answer.error()), answer.error().message());
  if (auto* in = std::get_if<auth::Welcome>(&*answer); in != nullptr && in->framed) {
    give_own_cookies(parts, call, *method, in->set_cookies);
    Answer landed = co_await land(parts, call, std::move(*in));
    co_return landed;
  }
  if (auto* in = std::get_if<auth::Welcome>(&*answer))
    co_return welcome(parts, call, *method, std::move(*in));
  if (auto* elsewhere = std::get_if<auth::Redirect>(&*answer)) {
    give_own_cookies(parts, call, *method, elsewhere->set_cookies);
    co_return redirect(elsewhere->url);
  }
  if (const auto* keep = std::get_if<auth::KeepInFrame>(&*answer))
    give_own_cookies(parts, call, *method, keep->set_cookies);
  if (auto step = course_step(parts, call, *answer)) co_return std::move(*step);
  if (auto* reply = std::get_if<auth::Reply>(&*answer)) co_return reply_of(std::move(*reply));
  if (auto* refused = std::get_if<auth::Refused>(&*answer)) {
    auth::ShowForm told;
    told.message = "sign-in.refused." + refused->reason;
    told.code = refused->reason;
    if (from_course)
      co_return course_page(parts, call, kForbidden, web::say(told.message), told.code);
    co_return sign_in_page(parts, call, kForbidden, next, method->name(), &told);
  }
  const auto& shown = std::get<auth::ShowForm>(*answer);
  give_own_cookies(parts, call, *method, shown.set_cookies);
  if (from_course) {
    Json message = web::say(shown.message, json_values(shown.message_values));
    co_return course_page(parts, call, shown.status, std::move(message), shown.code);
  }
  const std::string again = shown.next.empty() ? next : text::safe_next(shown.next).value_or("");
  proxy::HubResponse response =
      sign_in_page(parts, call, shown.status, again, method->name(), &shown);
  if (shown.retry_after)
    response.headers.emplace_back("Retry-After", std::to_string(shown.retry_after->count()));
  co_return response;
}

}  // namespace passerelle::hub::pages
