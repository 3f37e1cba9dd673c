// Activities, their grades, and what authenticators keep.
#include "store/sqlite/rows.hpp"

namespace passerelle::store::sqlite {
namespace {

// A row of the view activity_rows.
ActivityRow read_row(Query& query) {
  ActivityRow row;
  row.id = query.integer();
  row.user = query.integer();
  row.username = query.text();
  row.display_name = query.text();
  Activity& activity = row.activity;
  for (std::string* text :
       {&activity.authenticator, &activity.platform, &activity.link, &activity.context,
        &activity.context_title, &activity.title, &activity.user_id})
    *text = query.text();
  activity.teaches = query.integer() != 0;
  activity.grade_url = query.text();
  activity.grade_reference = query.text();
  row.first_seen = query.instant();
  row.last_seen = query.instant();
  row.score.score = query.integer();
  row.score.maximum = query.integer();
  row.score.comment = query.text();
  row.score.given_by = query.text();
  row.score.given = query.instant();
  row.delivery.state = static_cast<GradeState>(query.integer());
  row.delivery.serial = query.integer();
  row.delivery.attempts = static_cast<int>(query.integer());
  row.delivery.next_try = query.instant();
  row.delivery.detail = query.text();
  row.delivery.settled = query.maybe_instant();
  return row;
}

std::vector<ActivityRow> read_rows(Query& query) {
  std::vector<ActivityRow> rows;
  while (query.next()) rows.push_back(read_row(query));
  return rows;
}

std::int64_t number(GradeState state) {
  return static_cast<std::int64_t>(state);
}

}  // namespace

Result<void> note_activity(Database& database, UserId user, const Activity& activity, Instant now) {
  Query query(database, R"sql(
    INSERT INTO activities (user, authenticator, platform, link, context, context_title, title,
                            user_id, teaches, grade_url, grade_reference, first_seen, last_seen)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
    ON CONFLICT (authenticator, platform, link, user) DO UPDATE SET
      context = excluded.context, context_title = excluded.context_title, title = excluded.title,
      user_id = excluded.user_id, teaches = excluded.teaches, grade_url = excluded.grade_url,
      grade_reference = excluded.grade_reference, last_seen = excluded.last_seen)sql");
  query.with(user)
      .with(activity.authenticator)
      .with(activity.platform)
      .with(activity.link)
      .with(activity.context)
      .with(activity.context_title)
      .with(activity.title)
      .with(activity.user_id)
      .with(std::int64_t{activity.teaches})
      .with(activity.grade_url)
      .with(activity.grade_reference)
      .with(now)
      .run();
  return {};
}

Result<ActivityRow> find_activity(Database& database, ActivityId id) {
  Query query(database, "SELECT * FROM activity_rows WHERE id = ?");
  if (!query.with(id).next()) return Error(Errc::not_found, "no such activity");
  return read_row(query);
}

Result<std::vector<ActivityRow>> activities_of_user(Database& database, UserId user) {
  Query query(database,
              "SELECT * FROM activity_rows WHERE user = ? ORDER BY last_seen DESC LIMIT 1000");
  return read_rows(query.with(user));
}

Result<std::vector<ActivityRow>> activities_of_course(
    Database& database, const std::optional<ActivityStore::Course>& course, std::size_t limit) {
  const auto most = static_cast<std::int64_t>(limit);
  if (!course) {
    Query query(database,
                "SELECT * FROM activity_rows ORDER BY given DESC, last_seen DESC LIMIT ?");
    return read_rows(query.with(most));
  }
  Query query(
      database,
      "SELECT * FROM activity_rows WHERE authenticator = ? AND platform = ? AND context = ? "
      "ORDER BY given DESC, last_seen DESC LIMIT ?");
  return read_rows(
      query.with(course->authenticator).with(course->platform).with(course->context).with(most));
}

Result<void> grade_activity(Database& database, ActivityId id, const Score& score) {
  Query query(database, R"sql(
    UPDATE activities SET score = ?, maximum = ?, comment = ?, given_by = ?, given = ?, next_try = ?, state = ?,
           serial = serial + 1, attempts = 0, detail = '', settled = NULL
    WHERE id = ?)sql");
  const std::size_t changed = query.with(score.score)
                                  .with(score.maximum)
                                  .with(cut(score.comment, 1000))
                                  .with(score.given_by)
                                  .with(score.given)
                                  .with(score.given)
                                  .with(number(GradeState::pending))
                                  .with(id)
                                  .run();
  if (changed == 0) return Error(Errc::not_found, "no such activity");
  return {};
}

Result<std::vector<ActivityRow>> due_grades(Database& database, Instant now, std::size_t limit) {
  Query query(database, R"sql(
    SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY authenticator, platform ORDER BY next_try, id) AS place
                   FROM activity_rows WHERE state = 1 AND next_try <= ?)
    WHERE place <= ? ORDER BY next_try)sql");
  return read_rows(query.with(now).with(static_cast<std::int64_t>(limit)));
}

Result<std::optional<Instant>> next_due_grade(Database& database) {
  Query query(database, "SELECT min(next_try) FROM activities WHERE state = 1");
  if (!query.next()) return std::optional<Instant>();
  return query.maybe_instant();
}

Result<void> settle_grade(Database& database, ActivityId id, const Delivery& outcome) {
  Query(database,
        "UPDATE activities SET state = ?, attempts = ?, next_try = ?, detail = ?, settled = ? "
        "WHERE id = ? AND serial = ?")
      .with(number(outcome.state))
      .with(std::int64_t{outcome.attempts})
      .with(outcome.next_try)
      .with(cut(outcome.detail, 500))
      .with(outcome.settled)
      .with(id)
      .with(outcome.serial)
      .run();
  return {};
}

Result<std::string> find_kept(Database& database,
                              const std::string& owner,
                              const std::string& name) {
  Query query(database, "SELECT value FROM kept WHERE owner = ? AND name = ?");
  if (!query.with(owner).with(name).next()) return Error(Errc::not_found, "nothing is kept");
  return query.text();
}

Result<void> put_kept(Database& database,
                      const std::string& owner,
                      const std::string& name,
                      const std::string& value) {
  Query query(database, "REPLACE INTO kept (owner, name, value) VALUES (?, ?, ?)");
  query.with(owner).with(name).with(value).run();
  return {};
}

Result<std::string> put_first_kept(Database& database,
                                   const std::string& owner,
                                   const std::string& name,
                                   const std::string& value) {
  {
    Query query(database, "INSERT OR IGNORE INTO kept (owner, name, value) VALUES (?, ?, ?)");
    query.with(owner).with(name).with(value).run();
  }
  return find_kept(database, owner, name);
}

Result<std::vector<std::pair<std::string, std::string>>> all_kept(Database& database,
                                                                  const std::string& owner) {
  Query query(database, "SELECT name, value FROM kept WHERE owner = ? ORDER BY name");
  query.with(owner);
  std::vector<std::pair<std::string, std::string>> all;
  while (query.next()) {
    std::string name = query.text();
    all.emplace_back(std::move(name), query.text());
  }
  return all;
}

Result<void> erase_kept(Database& database, const std::string& owner, const std::string& name) {
  Query(database, "DELETE FROM kept WHERE owner = ? AND name = ?").with(owner).with(name).run();
  return {};
}

}  // namespace passerelle::store::sqlite
