// Devices: the browsers in which somebody is signed in. One's own, and for administrators
// anybody's.
#include "hub/answers.hpp"
#include "hub/parts.hpp"
#include "hub/people.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kNotFound = 404;

// "Firefox, Linux": enough to recognise a device; the whole User-Agent says little to its owner.
std::string device(std::string_view agent) {
  using Mark = std::pair<std::string_view, std::string_view>;
  constexpr Mark kBrowsers[] = {{"Edg/", "Edge"},        {"OPR/", "Opera"},
                                {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"},
                                {"Safari/", "Safari"},   {"curl/", "curl"}};
  constexpr Mark kSystems[] = {{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"},
                               {"Windows", "Windows"}, {"Mac OS", "macOS"},  {"Linux", "Linux"}};
  const auto named = [&](const auto& marks) {
    for (const auto& [mark, name] : marks)
      if (agent.find(mark) != std::string_view::npos) return std::string(name);
    return std::string();
  };
  const std::string browser = named(kBrowsers);
  const std::string system = named(kSystems);
  constexpr std::size_t kShort = 40;
  if (browser.empty() && system.empty()) return std::string(agent.substr(0, kShort));
  return browser + (browser.empty() || system.empty() ? "" : ", ") + system;
}

Json rows(const Call& call, const std::vector<auth::SessionPointer>& open) {
  Json list = Json::array();
  for (const auth::SessionPointer& session : open)
    list.push_back({{"id", session->id},
                    {"device", device(session->user_agent)},
                    {"address", session->peer},
                    {"since", web::moment(session->created)},
                    {"seen", web::moment(session->life->last_seen())},
                    {"current", session->id == call.session->id}});
  return list;
}

bool holds(const std::vector<auth::SessionPointer>& open, std::string_view id) {
  return std::any_of(open.begin(), open.end(), [&](const auto& one) { return one->id == id; });
}

}  // namespace

Task<Answer> sessions(Parts& parts, Call& call) {
  auto open = parts.sessions.of_user(call.session->account().id);
  std::stable_partition(open.begin(), open.end(),
                        [&](const auto& one) { return one->id == call.session->id; });
  const std::string hub = parts.settings.base_url + "hub/";
  Json view = {{"sessions", rows(call, open)}, {"end_url", hub + "sessions/end"}};
  if (open.size() > 1) view["end_others_url"] = hub + "sessions/end-others";
  co_return page(parts, call, kOk, "sessions", view);
}

Task<Answer> end_session(Parts& parts, Call& call) {
  const std::string id(text::field(call.form, "session"));
  const bool own = holds(parts.sessions.of_user(call.session->account().id), id);
  if (own) {
    auto revoked = co_await parts.sessions.revoke(id);
    if (!revoked)
      co_return problem(parts, call, status_of(revoked.error()), revoked.error().message());
  }
  co_return redirect(parts.settings.base_url + "hub/sessions" +
                     std::string(own ? "?notice=device-signed-out" : ""));
}

Task<Answer> end_other_sessions(Parts& parts, Call& call) {
  auto revoked = co_await parts.sessions.revoke_user(call.session->account().id, call.session->id);
  if (!revoked)
    co_return problem(parts, call, status_of(revoked.error()), revoked.error().message());
  co_return redirect(parts.settings.base_url + "hub/sessions?notice=others-signed-out");
}

Task<Answer> devices_of(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return problem(parts, call, kNotFound);
  const std::string here =
      parts.settings.base_url + "hub/sessions/" + text::percent_encode(subject->user.username);
  const auto open = parts.sessions.of_user(subject->user.id);
  Json view = {{"sessions", rows(call, open)},
               {"end_url", here + "/end"},
               {"of", subject->user.display_name.empty() ? subject->user.username
                                                         : subject->user.display_name}};
  if (!open.empty()) view["end_others_url"] = here + "/end";
  co_return page(parts, call, kOk, "sessions", view);
}

// One of them, or all when none is named.
Task<Answer> end_device_of(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return problem(parts, call, kNotFound);
  const std::string here =
      parts.settings.base_url + "hub/sessions/" + text::percent_encode(subject->user.username);
  const std::string id(text::field(call.form, "session"));
  if (id.empty()) {
    Actor actor{std::string(call.username()), call.request.peer};
    auto ended = co_await sign_out_everywhere(parts, subject->user, std::move(actor));
    if (!ended) co_return problem(parts, call, status_of(ended.error()), ended.error().message());
    co_return redirect(here + "?notice=all-signed-out");
  }
  if (!holds(parts.sessions.of_user(subject->user.id), id)) co_return redirect(here);
  auto revoked = co_await parts.sessions.revoke(id);
  if (!revoked)
    co_return problem(parts, call, status_of(revoked.error()), revoked.error().message());
  co_return redirect(here + "?notice=device-signed-out");
}

}  // namespace passerelle::hub::pages
