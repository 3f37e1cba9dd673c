// For administrators: the learning platforms that registered themselves here (LTI 1.3), an
// invitation for another one, and the page that a platform opens to use it.
#include "auth/lti_courses.hpp"
#include "auth/lti_services.hpp"
#include "base/log.hpp"
#include "config/values.hpp"
#include "hub/answers.hpp"
#include "hub/methods.hpp"
#include "hub/pages/course.hpp"
#include "hub/pages/teaching.hpp"
#include "hub/parts.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kBadGateway = 502;
constexpr std::size_t kMostHosts = 10;

auth::lti::Courses* courses_of(const Parts& parts, std::string_view name) {
  return dynamic_cast<auth::lti::Courses*>(find_method(parts, name));
}

std::string origin_of_us(const Parts& parts, const Call& call) {
  return parts.settings.public_url.empty() ? call.request.scheme + "://" + call.request.host
                                           : config::origin_of(parts.settings.public_url);
}

// "moodle.example.fr, https://sso.example.fr/": hosts, as may_call() compares them; empty when one
// of them is none.
std::vector<std::string> read_hosts(std::string_view typed) {
  std::vector<std::string> hosts;
  std::string words(typed);
  std::replace(words.begin(), words.end(), ',', ' ');
  for (const std::string_view word : text::split(words, ' ')) {
    const std::string_view one = text::trim(word);
    if (one.empty()) continue;
    const bool address = one.find("://") != std::string_view::npos;
    std::string host =
        auth::lti::host_of(address ? std::string(one) : "https://" + std::string(one));
    if (host.empty() || hosts.size() >= kMostHosts) return {};
    hosts.push_back(std::move(host));
  }
  return hosts;
}

Json view_of(const Parts& parts) {
  const std::string here = parts.settings.base_url + "hub/lti/platforms";
  Json view = {{"invite_url", here}, {"methods", Json::array()}, {"platforms", Json::array()}};
  for (const config::Authenticator& entry : parts.settings.authenticators) {
    const auth::lti::Courses* courses = courses_of(parts, entry.name);
    if (courses == nullptr) continue;
    view["methods"].push_back({{"name", entry.name}, {"checked", view["methods"].empty()}});
    for (const auth::lti::Registered& one : courses->registered()) {
      std::string deployments;
      for (const std::string& id : one.deployments)
        deployments.append(deployments.empty() ? "" : ", ").append(id);
      view["platforms"].push_back(
          {{"name", one.name},
           {"issuer", one.issuer},
           {"client_id", one.client_id},
           {"deployments", std::move(deployments)},
           {"at", web::moment(one.at)},
           {"withdraw_url", here + "/" + text::percent_encode(entry.name) + "/" +
                                text::percent_encode(one.name) + "/withdraw"}});
    }
  }
  return view;
}

void note(Parts& parts, const Call& call, std::string action, std::string target) {
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = call.username();
  event.action = std::move(action);
  event.target = std::move(target);
  event.result = "ok";
  event.peer = call.request.peer;
  parts.store.audit().append(std::move(event));
}

bool may(const Call& call) {
  return call.session && call.session->account().admin;
}

}  // namespace

Task<Answer> platforms(Parts& parts, Call& call) {
  if (!may(call)) co_return problem(parts, call, kForbidden);
  co_return page(parts, call, kOk, "platforms", view_of(parts));
}

Task<Answer> invite_platform(Parts& parts, Call& call) {
  if (!may(call)) co_return problem(parts, call, kForbidden);
  const std::string method(text::field(call.form, "method"));
  auth::lti::Courses* courses = courses_of(parts, method);
  if (courses == nullptr) co_return problem(parts, call, kNotFound);
  const std::string typed(text::field(call.form, "hosts"));
  std::vector<std::string> hosts = read_hosts(typed);
  Json view = view_of(parts);
  if (hosts.empty()) {
    view["problem"] = web::say("platforms.wrong-hosts");
    view["hosts"] = typed;
  } else {
    note(parts, call, "invite-platform", hosts.front());
    view["link"] = origin_of_us(parts, call) + parts.settings.base_url + "hub/lti13/register/" +
                   text::percent_encode(method) +
                   "?invitation=" + courses->invitation(std::move(hosts));
  }
  co_return page_at(parts, call, parts.settings.base_url + "hub/lti/platforms", kOk, "platforms",
                    view);
}

Task<Answer> withdraw_platform(Parts& parts, Call& call) {
  if (!may(call)) co_return problem(parts, call, kForbidden);
  auth::lti::Courses* courses = courses_of(parts, call.args[0]);
  if (courses == nullptr) co_return problem(parts, call, kNotFound);
  std::string platform = call.args[1];
  note(parts, call, "withdraw-platform", platform);
  auto withdrawn = co_await courses->withdraw(std::move(platform));
  if (!withdrawn)
    co_return problem(parts, call, status_of(withdrawn.error()), withdrawn.error().message());
  co_return redirect(parts.settings.base_url + "hub/lti/platforms");
}

// In the browser of the platform's administrator, who need not be known here: the invitation is
// what counts. Platforms show it in a frame, and wait to be told that it can be closed.
Task<Answer> register_platform(Parts& parts, Call& call) {
  auth::lti::Courses* courses = courses_of(parts, call.args[0]);
  if (courses == nullptr) co_return problem(parts, call, kNotFound);
  const std::string below = origin_of_us(parts, call) + parts.settings.base_url + "hub/lti13/";
  text::Form query = call.query;
  auto name = co_await courses->enrol(std::move(query), below);
  call.framed_by = {find_method(parts, call.args[0])};
  if (!name) {
    log::warn("lti", "a platform could not register itself", {{"why", name.error().message()}});
    const bool ours = name.error().code() == Errc::forbidden;
    co_return course_page(parts, call, ours ? kForbidden : kBadGateway,
                          web::say(ours ? "sign-in.lti.invitation" : "course.not-registered"),
                          ours ? "LTI-INVITATION" : "LTI-REGISTER");
  }
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = *name;
  event.action = "register-platform";
  event.target = "authenticator/" + call.args[0];
  event.result = "ok";
  event.peer = call.request.peer;
  parts.store.audit().append(std::move(event));
  const Json view = {{"title", web::say("course.registered-title")},
                     {"message", web::say("course.registered", {{"platform", *name}})},
                     {"close", true}};
  co_return page(parts, call, kOk, "course", view);
}

}  // namespace passerelle::hub::pages
