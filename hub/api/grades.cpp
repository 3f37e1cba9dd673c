// Grades for course activities: what graders (nbgrader, a teacher's script) send, and what became
// of it.
#include "hub/api/models.hpp"
#include "hub/course_work.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kAccepted = 202;
constexpr int kBad = 400;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;

Json model(const store::ActivityRow& row) {
  constexpr auto kUnit = static_cast<double>(store::kScoreUnit);
  const store::Activity& activity = row.activity;
  Json model = {{"activity", row.id},
                {"user", row.username},
                {"authenticator", activity.authenticator},
                {"platform", activity.platform},
                {"course", activity.context},
                {"course_title", activity.context_title},
                {"link", activity.link},
                {"title", activity.title},
                {"takes_grades", !activity.grade_url.empty()},
                {"first_seen", to_iso8601(row.first_seen)},
                {"state", to_string(row.delivery.state)}};
  if (row.delivery.state == store::GradeState::none) return model;
  model["score"] = static_cast<double>(row.score.score) / kUnit;
  model["maximum"] = static_cast<double>(row.score.maximum) / kUnit;
  model["given"] = to_iso8601(row.score.given);
  model["attempts"] = row.delivery.attempts;
  model["detail"] = row.delivery.detail;
  return model;
}

// The rows of that person that the caller may grade. Absent and forbidden look the same.
Task<Result<std::vector<store::ActivityRow>>> gradable(Parts& parts,
                                                       const Call& call,
                                                       std::string username) {
  const Error none(Errc::not_found, "no such user, or nothing of theirs that you may grade");
  auto user = co_await parts.store.users().find_by_name(std::move(username));
  if (!user && user.error().code() == Errc::not_found) co_return none;
  if (!user) co_return std::move(user).error();
  auto rows = co_await parts.store.activities().of_user(user->id);
  if (!rows) co_return rows;
  auto taught = co_await courses_taught(parts, call.principal->account->id);
  if (!taught) co_return std::move(taught).error();
  std::erase_if(*rows, [&](const auto& row) { return !may_grade(call, row, *taught); });
  if (rows->empty()) co_return none;
  co_return rows;
}

// The one that is meant: by "activity" (our number) or "link" (the platform's id), else the only
// one that takes grades.
Result<store::ActivityRow> meant(std::vector<store::ActivityRow> rows, const Json& body) {
  std::erase_if(rows, [&](const store::ActivityRow& row) {
    if (body.contains("activity")) return body["activity"] != row.id;
    if (body.contains("link")) return body["link"] != row.activity.link;
    return row.activity.grade_url.empty();
  });
  if (rows.empty()) return Error(Errc::not_found, "no such activity that takes grades");
  if (rows.size() > 1)
    return Error(Errc::conflict, "several activities are meant: name one by \"activity\"");
  return std::move(rows.front());
}

int status_for(const Error& error) {
  if (error.code() == Errc::not_found) return kNotFound;
  if (error.code() == Errc::conflict) return kConflict;
  return error.code() == Errc::invalid ? kBad : status_of(error);
}

}  // namespace

Task<Answer> give_grade(Parts& parts, Call& call) {
  const Json body = Json::parse(call.request.body, nullptr, false);
  const bool good = body.is_object() && body.value("user", Json()).is_string() &&
                    body.value("score", Json()).is_number() &&
                    body.value("maximum", Json(1)).is_number() &&
                    body.value("comment", Json("")).is_string();
  if (!good)
    co_return api_error(
        kBad,
        "send {\"user\": \"...\", \"score\": 17, \"maximum\": 20}, and \"activity\" "
        "or \"link\" if the person has several");
  std::string username = body["user"].get<std::string>();
  auto rows = co_await gradable(parts, call, std::move(username));
  if (!rows) co_return api_error(status_for(rows.error()), rows.error().message());
  auto row = meant(std::move(*rows), body);
  if (!row) co_return api_error(status_for(row.error()), row.error().message());
  const store::ActivityId id = row->id;
  const double score = body["score"].get<double>();
  const double maximum = body.value("maximum", 1.0);
  std::string comment = body.value("comment", std::string());
  auto given =
      co_await hub::give_grade(parts, call, std::move(*row), score, maximum, std::move(comment));
  if (!given) co_return api_error(status_for(given.error()), given.error().message());
  co_return json(kAccepted, {{"activity", id}, {"state", "pending"}});
}

Task<Answer> grades(Parts& parts, Call& call) {
  std::string username(text::field(call.query, "user"));
  auto rows = co_await gradable(parts, call, std::move(username));
  if (!rows) co_return api_error(status_for(rows.error()), rows.error().message());
  Json list = Json::array();
  for (const store::ActivityRow& row : *rows) list.push_back(model(row));
  co_return json(kOk, list);
}

}  // namespace passerelle::hub::api
