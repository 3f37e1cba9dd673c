// The audit log's rows: who did what, newest first.
#include <algorithm>

#include "store/sqlite/rows.hpp"

namespace passerelle::store::sqlite {
namespace {

AuditEvent read_event(Query& row) {
  AuditEvent event;
  event.id = row.integer();
  event.at = row.instant();
  event.actor = row.text();
  event.action = row.text();
  event.target = row.text();
  event.result = row.text();
  event.cause = row.text();
  event.error_id = row.text();
  event.detail = row.text();
  event.peer = row.text();
  return event;
}

/// One statement for each way to narrow it down, so that each can walk the index it needs.
const char* statement_for(const AuditLog::Query& query) {
  if (!query.target.empty())
    return R"sql(SELECT * FROM audit INDEXED BY audit_by_target WHERE target = ?3 AND (?1 = '' OR actor = ?1)
                 AND (?2 = '' OR action = ?2) AND id < ?4 ORDER BY id DESC LIMIT ?5)sql";
  if (!query.actor.empty())
    return R"sql(SELECT * FROM audit INDEXED BY audit_by_actor WHERE actor = ?1 AND (?2 = '' OR action = ?2)
                 AND (?3 = '' OR target = ?3) AND id < ?4 ORDER BY id DESC LIMIT ?5)sql";
  if (!query.action.empty())
    return R"sql(SELECT * FROM audit INDEXED BY audit_by_action WHERE action = ?2 AND (?1 = '' OR actor = ?1)
                 AND (?3 = '' OR target = ?3) AND id < ?4 ORDER BY id DESC LIMIT ?5)sql";
  return R"sql(SELECT * FROM audit WHERE id < ?4 AND (?1 = '' AND ?2 = '' AND ?3 = '') ORDER BY id DESC LIMIT ?5)sql";
}

}  // namespace

std::string cut(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

std::int64_t insert_event(Database& database, const AuditEvent& event) {
  Query query(
      database,
      R"sql(INSERT INTO audit (id, at, actor, action, target, result, cause, error_id, detail, peer)
                              VALUES (max(?, (SELECT coalesce(max(id), 0) + 1 FROM audit)), ?, ?, ?, ?, ?, ?, ?, ?, ?)
                              RETURNING id)sql");
  query.with(event.id)
      .with(event.at)
      .with(event.actor)
      .with(event.action)
      .with(event.target)
      .with(event.result)
      .with(event.cause)
      .with(event.error_id)
      .with(event.detail)
      .with(event.peer)
      .next();
  return query.integer();
}

Result<std::vector<AuditEvent>> find_events(Database& database, const AuditLog::Query& query) {
  constexpr std::int64_t kAfterAll = std::numeric_limits<std::int64_t>::max();
  Query rows(database, statement_for(query));
  rows.with(query.actor)
      .with(query.action)
      .with(query.target)
      .with(query.before_id == 0 ? kAfterAll : query.before_id)
      .with(static_cast<std::int64_t>(query.limit));
  std::vector<AuditEvent> events;
  while (rows.next()) events.push_back(read_event(rows));
  return events;
}

}  // namespace passerelle::store::sqlite
