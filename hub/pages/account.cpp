// My devices, the language, the files that pages fetch, and the front door.
#include "hub/answers.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;

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

}  // namespace

Task<Answer> root(Parts& parts, Call& call) {
  const std::string hub = parts.settings.base_url + "hub/";
  co_return redirect(call.session ? hub + "home" : hub + "login");
}

Task<Answer> sessions(Parts& parts, Call& call) {
  auto open = parts.sessions.of_user(call.session->account().id);
  std::stable_partition(open.begin(), open.end(),
                        [&](const auto& one) { return one->id == call.session->id; });
  const std::string hub = parts.settings.base_url + "hub/";
  Json view = {{"sessions", Json::array()}, {"end_url", hub + "sessions/end"}};
  for (const auth::SessionPointer& session : open)
    view["sessions"].push_back({{"id", session->id},
                                {"device", device(session->user_agent)},
                                {"address", session->peer},
                                {"since", web::moment(session->created)},
                                {"seen", web::moment(session->life->last_seen())},
                                {"current", session->id == call.session->id}});
  if (open.size() > 1) view["end_others_url"] = hub + "sessions/end-others";
  co_return page(parts, call, kOk, "sessions", view);
}

Task<Answer> end_session(Parts& parts, Call& call) {
  const std::string id(text::field(call.form, "session"));
  const auto mine = parts.sessions.of_user(call.session->account().id);
  const bool own =
      std::any_of(mine.begin(), mine.end(), [&](const auto& one) { return one->id == id; });
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

Task<Answer> language(Parts& parts, Call& call) {
  const std::string_view wanted = text::field(call.query, "to");
  const bool known =
      std::find(web::kLanguages.begin(), web::kLanguages.end(), wanted) != web::kLanguages.end();
  if (known)
    call.set_cookies.push_back(std::string(web::kLanguageCookie) + "=" + std::string(wanted) +
                               "; Path=" + parts.settings.base_url +
                               "; Max-Age=31536000; SameSite=Lax; HttpOnly" +
                               (parts.settings.public_url.starts_with("https:") ? "; Secure" : ""));
  co_return redirect(
      text::safe_next(text::field(call.query, "next")).value_or(parts.settings.base_url + "hub/"));
}

Task<Answer> static_file(Parts& parts, Call& call) {
  constexpr int kNotModified = 304;
  constexpr int kNotFound = 404;
  const web::StaticFile* file = parts.renderer.file(call.args[0]);
  if (file == nullptr) co_return problem(parts, call, kNotFound);
  const std::string tag = "\"" + file->hash + "\"";
  const bool versioned = text::field(call.query, "v") == file->hash;
  proxy::HubResponse response;
  response.headers = {
      {"ETag", tag},
      {"Cache-Control", versioned ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (call.request.header("if-none-match") == tag) {
    response.status = kNotModified;
    co_return response;
  }
  response.headers.emplace_back("Content-Type", file->content_type);
  response.body = file->content;
  co_return response;
}

Task<Answer> user_redirect(Parts& parts, Call& call) {
  std::string target = parts.settings.base_url + "user/" +
                       text::percent_encode(call.session->account().username) + "/" + call.args[0];
  if (!call.request.query.empty()) target += "?" + call.request.query;
  const ServerPtr server = parts.launcher.find({call.session->account().id, ""});
  if (server && server->record.phase == store::Phase::running)
    co_return redirect(std::move(target));
  co_return redirect(parts.settings.base_url + "hub/spawn?next=" + text::percent_encode(target));
}

}  // namespace passerelle::hub::pages
