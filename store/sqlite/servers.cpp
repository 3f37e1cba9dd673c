// Servers: what was launched, where it runs, why it ended.
#include <nlohmann/json.hpp>

#include "store/sqlite/rows.hpp"

namespace passerelle::store::sqlite {
namespace {

std::optional<Cause> read_cause(Query& row) {
  const std::string code = row.text();  // NULL reads as an empty text
  return code.empty() ? std::nullopt : cause_from_string(code);
}

std::optional<int> read_exit_code(Query& row) {
  const std::optional<std::int64_t> code = row.maybe_integer();
  if (!code) return std::nullopt;
  return static_cast<int>(*code);
}

ServerRecord read_server(Query& row) {
  ServerRecord record;
  record.user = row.integer();
  record.name = row.text();
  record.phase = phase_from_string(row.text()).value_or(Phase::stopped);
  record.launch_id = row.text();
  record.profile = row.text();
  record.values = nlohmann::json::parse(row.text()).get<std::map<std::string, std::string>>();
  record.spawner = row.text();
  record.state = row.text();
  record.upstream = row.text();
  record.sealed_secret = row.text();
  record.started = row.maybe_instant();
  record.last_activity = row.instant();
  record.ended = row.maybe_instant();
  record.cause = read_cause(row);
  record.detail = row.text();
  record.exit_code = read_exit_code(row);
  record.error_id = row.text();
  record.ended_by = row.text();
  return record;
}

std::optional<std::string> cause_text(const ServerRecord& record) {
  if (!record.cause) return std::nullopt;
  return std::string(to_string(*record.cause));
}

std::string values_text(const ServerRecord& record) {
  return nlohmann::json(record.values)
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<std::int64_t> exit_code_of(const ServerRecord& record) {
  if (!record.exit_code) return std::nullopt;
  return *record.exit_code;
}

}  // namespace

Result<void> put_server(Database& database, const ServerRecord& record) {
  // A touch may have overtaken the caller's copy: the later activity stays, else a busy server
  // would look idle.
  Query(database,
        R"sql(INSERT INTO servers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        ON CONFLICT (user, name) DO UPDATE SET phase = excluded.phase, launch_id = excluded.launch_id,
                          profile = excluded.profile, form_values = excluded.form_values, spawner = excluded.spawner,
                          state = excluded.state, upstream = excluded.upstream,
                          sealed_secret = excluded.sealed_secret, started = excluded.started,
                          last_activity = max(last_activity, excluded.last_activity), ended = excluded.ended,
                          cause = excluded.cause, detail = excluded.detail, exit_code = excluded.exit_code,
                          error_id = excluded.error_id, ended_by = excluded.ended_by)sql")
      .with(record.user)
      .with(record.name)
      .with(std::string(to_string(record.phase)))
      .with(record.launch_id)
      .with(record.profile)
      .with(values_text(record))
      .with(record.spawner)
      .with(record.state)
      .with(record.upstream)
      .with(record.sealed_secret)
      .with(record.started)
      .with(record.last_activity)
      .with(record.ended)
      .with(cause_text(record))
      .with(record.detail)
      .with(exit_code_of(record))
      .with(record.error_id)
      .with(record.ended_by)
      .run();
  return {};
}

Result<ServerRecord> find_server(Database& database, UserId user, const std::string& name) {
  Query query(database, "SELECT * FROM servers WHERE user = ? AND name = ?");
  if (!query.with(user).with(name).next()) return Error(Errc::not_found, "no such server");
  return read_server(query);
}

Result<std::vector<ServerRecord>> all_servers(Database& database) {
  Query query(database, "SELECT * FROM servers ORDER BY user, name");
  std::vector<ServerRecord> servers;
  while (query.next()) servers.push_back(read_server(query));
  return servers;
}

Result<void> erase_server(Database& database, UserId user, const std::string& name) {
  Query(database, "DELETE FROM servers WHERE user = ? AND name = ?").with(user).with(name).run();
  return {};
}

}  // namespace passerelle::store::sqlite
