// The teachers' page of a course: who is in it, by the platform's word of now, and which of them
// have been here.
#include <charconv>

#include "auth/lti_courses.hpp"
#include "hub/answers.hpp"
#include "hub/course_work.hpp"
#include "hub/methods.hpp"
#include "hub/pages/teaching.hpp"
#include "hub/parts.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kNotFound = 404;
constexpr std::size_t kMost = 10'000;

struct Visitor {
  std::string username;
  Instant first{};
};

// By the platform's id of the person.
std::map<std::string, Visitor> visitors_of(const std::vector<store::ActivityRow>& rows) {
  std::map<std::string, Visitor> visitors;
  for (const store::ActivityRow& row : rows) {
    Visitor& one = visitors[row.activity.user_id];
    if (one.username.empty() || row.first_seen < one.first) one = {row.username, row.first_seen};
  }
  return visitors;
}

Json member_view(const auth::lti::Member& member, const std::map<std::string, Visitor>& visitors) {
  Json view = {{"name", member.name.empty() ? member.user_id : member.name},
               {"role", web::say(member.teaches ? "roster.teacher" : "roster.learner")}};
  if (!member.email.empty()) view["email"] = member.email;
  if (!member.active) view["inactive"] = true;
  const auto found = visitors.find(member.user_id);
  if (found == visitors.end()) return view;
  view["username"] = found->second.username;
  view["first"] = web::moment(found->second.first);
  return view;
}

}  // namespace

/// Of the course that the activity stands in.
Task<Answer> roster(Parts& parts, Call& call) {
  std::int64_t id = 0;
  const std::string& text = call.args[0];
  if (std::from_chars(text.data(), text.data() + text.size(), id).ptr != text.data() + text.size())
    co_return problem(parts, call, kNotFound);
  auto row = co_await parts.store.activities().find(id);
  if (!row) co_return problem(parts, call, kNotFound);
  auto taught = co_await courses_taught(parts, call.session->account().id);
  if (!taught) co_return problem(parts, call, status_of(taught.error()), taught.error().message());
  if (!call.session->account().admin && !may_grade(call, *row, *taught))
    co_return problem(parts, call, kNotFound);
  const store::Activity activity = row->activity;
  auto* courses = dynamic_cast<auth::lti::Courses*>(find_method(parts, activity.authenticator));
  if (courses == nullptr) co_return problem(parts, call, kNotFound);
  std::optional<store::ActivityStore::Course> course(std::in_place, activity.authenticator,
                                                     activity.platform, activity.context);
  auto rows = co_await parts.store.activities().of_course(std::move(course), kMost);
  if (!rows) co_return problem(parts, call, status_of(rows.error()), rows.error().message());
  Json view = {
      {"course", activity.context_title.empty() ? activity.context : activity.context_title},
      {"grades_url", parts.settings.base_url + "hub/lti/grades"},
      {"members", Json::array()}};
  std::string platform = activity.platform;
  std::string context = activity.context;
  auto members = co_await courses->roster(std::move(platform), std::move(context));
  if (!members) {
    view["problem"] = web::say(members.error().code() == Errc::not_found ? "roster.not-offered"
                                                                         : "roster.not-told");
    view["detail"] = members.error().message();
    co_return page(parts, call, kOk, "roster", view);
  }
  const auto visitors = visitors_of(*rows);
  std::stable_sort(members->begin(), members->end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const auth::lti::Member& member : *members)
    view["members"].push_back(member_view(member, visitors));
  view["here"] = std::count_if(members->begin(), members->end(),
                               [&](const auto& one) { return visitors.contains(one.user_id); });
  view["all"] = members->size();
  co_return page(parts, call, kOk, "roster", view);
}

}  // namespace passerelle::hub::pages
