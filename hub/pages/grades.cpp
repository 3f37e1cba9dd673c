// The teachers' page: what was sent back to the course, and what failed.
#include "hub/grades.hpp"

#include <charconv>
#include <set>

#include "auth/lti_courses.hpp"
#include "hub/answers.hpp"
#include "hub/course_work.hpp"
#include "hub/methods.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kNotFound = 404;
constexpr std::size_t kMost = 1000;

std::string points(std::int64_t millionths) {
  std::string text =
      std::to_string(static_cast<double>(millionths) / static_cast<double>(store::kScoreUnit));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// "grades.state.sent"
Json row_view(const store::ActivityRow& row, const std::string& hub) {
  const store::Activity& activity = row.activity;
  const std::string state(to_string(row.delivery.state));
  const auto either = [](const std::string& title, const std::string& id) {
    return title.empty() ? id : title;
  };
  Json view = {{"name", row.display_name},
               {"username", row.username},
               {"course", either(activity.context_title, activity.context)},
               {"activity", either(activity.title, activity.link)},
               {"first", web::moment(row.first_seen)},
               {"state", web::say("grades.state." + state)}};
  if (row.delivery.state == store::GradeState::none) return view;
  view["score"] = points(row.score.score) + " / " + points(row.score.maximum);
  view["given"] = web::moment(row.score.given);
  if (!row.delivery.detail.empty()) view["detail"] = row.delivery.detail;
  if (row.delivery.state == store::GradeState::failed)
    view["again"] = hub + "lti/grades/" + std::to_string(row.id) + "/again";
  return view;
}

// The courses whose platform can say who is in them.
Json rosters(const Parts& parts, const std::vector<store::ActivityRow>& rows) {
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  Json list = Json::array();
  for (const store::ActivityRow& row : rows) {
    const store::Activity& one = row.activity;
    if (one.context.empty() ||
        dynamic_cast<auth::lti::Courses*>(find_method(parts, one.authenticator)) == nullptr ||
        !seen.emplace(one.authenticator, one.platform, one.context).second)
      continue;
    list.push_back({{"title", one.context_title.empty() ? one.context : one.context_title},
                    {"url", parts.settings.base_url + "hub/lti/roster/" + std::to_string(row.id)}});
  }
  return list;
}

// Administrators see every course, teachers theirs.
Task<Result<std::vector<store::ActivityRow>>> rows_for(Parts& parts, const Call& call) {
  if (call.session->account().admin) {
    std::optional<store::ActivityStore::Course> any;
    auto all = co_await parts.store.activities().of_course(std::move(any), kMost);
    co_return all;
  }
  auto courses = co_await courses_taught(parts, call.session->account().id);
  if (!courses) co_return std::move(courses).error();
  std::vector<store::ActivityRow> rows;
  for (store::ActivityStore::Course& course : *courses) {
    if (rows.size() >= kMost) break;
    std::optional<store::ActivityStore::Course> one(std::move(course));
    auto more = co_await parts.store.activities().of_course(std::move(one), kMost - rows.size());
    if (!more) co_return more;
    std::move(more->begin(), more->end(), std::back_inserter(rows));
  }
  co_return rows;
}

}  // namespace

Task<Answer> grades(Parts& parts, Call& call) {
  auto rows = co_await rows_for(parts, call);
  if (!rows) co_return problem(parts, call, status_of(rows.error()), rows.error().message());
  const std::string hub = parts.settings.base_url + "hub/";
  Json view = {{"rows", Json::array()}, {"rosters", rosters(parts, *rows)}};
  for (const store::ActivityRow& row : *rows) view["rows"].push_back(row_view(row, hub));
  co_return page(parts, call, kOk, "grades", view);
}

// The same score anew: the platform was set right meanwhile.
Task<Answer> send_grade_again(Parts& parts, Call& call) {
  std::int64_t id = 0;
  const std::string& text = call.args[0];
  if (std::from_chars(text.data(), text.data() + text.size(), id).ptr != text.data() + text.size())
    co_return problem(parts, call, kNotFound);
  auto row = co_await parts.store.activities().find(id);
  if (!row) co_return problem(parts, call, kNotFound);
  auto taught = co_await courses_taught(parts, call.session->account().id);
  if (!taught) co_return problem(parts, call, status_of(taught.error()), taught.error().message());
  if (!may_grade(call, *row, *taught) || row->delivery.state == store::GradeState::none)
    co_return problem(parts, call, kNotFound);
  constexpr auto kUnit = static_cast<double>(store::kScoreUnit);
  const double score = static_cast<double>(row->score.score) / kUnit;
  const double maximum = static_cast<double>(row->score.maximum) / kUnit;
  std::string comment = row->score.comment;
  auto given =
      co_await give_grade(parts, call, std::move(*row), score, maximum, std::move(comment));
  if (!given) co_return problem(parts, call, status_of(given.error()), given.error().message());
  co_return redirect(parts.settings.base_url + "hub/lti/grades");
}

}  // namespace passerelle::hub::pages
