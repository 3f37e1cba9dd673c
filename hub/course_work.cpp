#include "hub/course_work.hpp"

#include <cmath>

#include "auth/lti_person.hpp"
#include "hub/grades.hpp"
#include "hub/parts.hpp"

namespace passerelle::hub {
namespace {

constexpr double kMostPoints = 1e9;
constexpr std::size_t kLongestComment = 1000;

bool same_course(const store::ActivityStore::Course& course, const store::Activity& activity) {
  return !course.context.empty() && course.authenticator == activity.authenticator &&
         course.platform == activity.platform && course.context == activity.context;
}

}  // namespace

Task<Result<std::vector<store::ActivityStore::Course>>> courses_taught(Parts& parts,
                                                                       store::UserId user) {
  auto rows = co_await parts.store.activities().of_user(user);
  if (!rows) co_return std::move(rows).error();
  std::vector<store::ActivityStore::Course> courses;
  for (const store::ActivityRow& row : *rows) {
    const store::Activity& activity = row.activity;
    if (!activity.teaches || activity.context.empty()) continue;
    if (std::none_of(courses.begin(), courses.end(),
                     [&](const auto& course) { return same_course(course, activity); }))
      courses.push_back({activity.authenticator, activity.platform, activity.context});
  }
  co_return courses;
}

bool may_grade(const Call& call,
               const store::ActivityRow& row,
               const std::vector<store::ActivityStore::Course>& taught) {
  const store::Activity& activity = row.activity;
  // The course of the activity counts, not the one that its learner opened last.
  const std::vector<std::string> groups = {
      auth::lti::course_group(activity.platform, activity.context, activity.teaches)};
  const auto target = auth::Target::of_user(row.username, groups, false);
  const auth::ScopeName scope = "custom:lti:grade";
  if (auth::allowed(*call.principal, scope, target)) return true;
  const auto& narrowed = call.principal->narrowed;
  if (narrowed && !narrowed->satisfies(scope, target)) return false;
  return std::any_of(taught.begin(), taught.end(),
                     [&](const auto& course) { return same_course(course, activity); });
}

Task<Result<void>> give_grade(Parts& parts,
                              const Call& call,
                              store::ActivityRow row,
                              double score,
                              double maximum,
                              std::string comment) {
  if (row.activity.grade_url.empty())
    co_return Error(Errc::invalid, "the course takes no grade for this activity");
  if (!std::isfinite(score) || !std::isfinite(maximum) || maximum <= 0 || maximum > kMostPoints ||
      score < 0 || score > maximum)
    co_return Error(Errc::invalid, "`score` must be between 0 and `maximum`");
  if (comment.size() > kLongestComment || !text::is_utf8(comment))
    co_return Error(Errc::invalid, "`comment` is too long, or no text");
  constexpr auto kUnit = static_cast<double>(store::kScoreUnit);
  store::Score given;
  given.score = std::llround(score * kUnit);
  given.maximum = std::llround(maximum * kUnit);
  given.comment = std::move(comment);
  given.given_by = call.username();
  given.given = parts.clock.now();
  auto stored = co_await parts.store.activities().grade(row.id, std::move(given));
  if (!stored) co_return stored;
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = call.username();
  event.action = "grade";
  event.target = "activity/" + std::to_string(row.id) + " of " + row.username;
  event.result = "ok";
  event.peer = call.request.peer;
  parts.store.audit().append(std::move(event));
  parts.grades.nudge();
  co_return stored;
}

std::string_view to_string(store::GradeState state) noexcept {
  switch (state) {
    case store::GradeState::pending:
      return "pending";
    case store::GradeState::sent:
      return "sent";
    case store::GradeState::failed:
      return "failed";
    case store::GradeState::none:
      break;
  }
  return "none";
}

}  // namespace passerelle::hub
