// Pages for somebody who comes from a course's page, mostly inside a frame of it: what went wrong,
// and the steps of a launch that the browser must take.

#include "hub/pages/course.hpp"

#include "config/values.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;

// Such an answer has an address that cannot be opened again: the launch's own stands for it.
proxy::HubResponse shown(Parts& parts,
                         const Call& call,
                         const Json& view,
                         const char* name = "course",
                         int status = kOk) {
  return page_at(parts, call, parts.settings.base_url + "hub/lti/launch", status, name, view);
}

Json frame_view(const auth::PlatformFrame& frame) {
  return {{"origin", frame.origin}, {"frame", frame.name}, {"key", frame.key}};
}

Json fields_view(const std::map<std::string, std::string>& fields) {
  Json list = Json::array();
  for (const auto& [name, value] : fields) list.push_back({{"name", name}, {"value", value}});
  return list;
}

proxy::HubResponse open_tab_page(Parts& parts, const Call& call, const auth::OpenTab& tab) {
  const Json view = {{"title", web::say("course.title")},
                     {"message", web::say("course.no-cookies")},
                     {"tab_url", tab.path}};
  return shown(parts, call, view);
}

// The profiles stand there with their titles, as a teacher is to pick one for others.
proxy::HubResponse content_page(Parts& parts, const Call& call, const auth::ChooseContent& wanted) {
  Json view = {{"action", wanted.action}, {"request", wanted.request}, {"profiles", Json::array()}};
  for (const config::Profile& profile : parts.settings.profiles) {
    Json one = {{"name", profile.name},
                {"title", title_of(parts.settings, profile.name)},
                {"checked", view["profiles"].empty()}};
    view["profiles"].push_back(std::move(one));
  }
  return shown(parts, call, view, "content");
}

proxy::HubResponse post_on_page(Parts& parts, Call& call, const auth::PostOn& post) {
  call.posts_to = config::origin_of(post.url);
  const Json view = {{"title", web::say("course.title")},
                     {"message", web::say("course.posting")},
                     {"post", {{"action", post.url}, {"fields", fields_view(post.fields)}}}};
  return shown(parts, call, view);
}

// What is kept proves that this browser began the launch: a page of somebody's notebook at our
// origin must not frame this one and read it.
proxy::HubResponse keep_page(Parts& parts, Call& call, const auth::KeepInFrame& wanted) {
  call.framed_by_us = false;
  Json keep = frame_view(wanted.frame);
  keep["value"] = wanted.value;
  keep["url"] = wanted.url;
  const Json view = {{"title", web::say("course.title")},
                     {"message", web::say("course.opening")},
                     {"keep", std::move(keep)}};
  return shown(parts, call, view);
}

proxy::HubResponse ask_page(Parts& parts, Call& call, const auth::AskFrame& wanted) {
  call.framed_by_us = false;
  Json ask = frame_view(wanted.frame);
  ask["action"] = wanted.action;
  ask["field"] = wanted.field;
  ask["fields"] = fields_view(wanted.fields);
  const Json view = {{"title", web::say("course.title")},
                     {"message", web::say("course.no-cookies")},
                     {"tab_url", wanted.otherwise.path},
                     {"ask", std::move(ask)}};
  return shown(parts, call, view);
}

}  // namespace

proxy::HubResponse course_page(
    Parts& parts, const Call& call, int status, Json message, const std::string& code) {
  const bool failed = status >= kForbidden;
  Json view = {{"title", web::say(failed ? "course.failed" : "course.title")},
               {"message", std::move(message)}};
  if (failed) view["failed"] = true;
  if (!code.empty()) view["code"] = code;
  // The browser's "back" sends an old launch again: who is in by it can go on.
  if (code == "LTI-REPLAY" && call.session) view["home_url"] = parts.settings.base_url + "hub/home";
  return shown(parts, call, view, "course", status);
}

std::optional<proxy::HubResponse> course_step(Parts& parts,
                                              Call& call,
                                              const auth::LoginAnswer& answer) {
  if (const auto* tab = std::get_if<auth::OpenTab>(&answer))
    return open_tab_page(parts, call, *tab);
  if (const auto* wanted = std::get_if<auth::ChooseContent>(&answer))
    return content_page(parts, call, *wanted);
  if (const auto* post = std::get_if<auth::PostOn>(&answer))
    return post_on_page(parts, call, *post);
  if (const auto* keep = std::get_if<auth::KeepInFrame>(&answer))
    return keep_page(parts, call, *keep);
  if (const auto* ask = std::get_if<auth::AskFrame>(&answer)) return ask_page(parts, call, *ask);
  return std::nullopt;
}

}  // namespace passerelle::hub::pages
