#include "store/sqlite/schema.hpp"

#include <array>
#include <cstdio>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/log.hpp"

namespace passerelle::store::sqlite {
namespace {

// A username stays with its first owner even after the user is erased: the next "alice" must not
// find her files. So `names` outlives `users`; the owner is only a digest there, and erasing a
// person leaves nothing else of them.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE names (
  username TEXT PRIMARY KEY,
  base TEXT NOT NULL,
  number INTEGER NOT NULL,
  owner TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
CREATE INDEX names_by_base ON names (base, number);

CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  authenticator TEXT NOT NULL,
  subject TEXT NOT NULL,
  username TEXT NOT NULL UNIQUE REFERENCES names,
  display_name TEXT NOT NULL,
  "groups" TEXT NOT NULL,
  created INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  UNIQUE (authenticator, subject)
) STRICT;

CREATE TABLE credentials (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  kind TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (user, kind, hash)
) STRICT;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  created INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  user_agent TEXT NOT NULL,
  peer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  note TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER,
  last_used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_user ON tokens (user);

CREATE TABLE servers (
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  name TEXT NOT NULL,
  phase TEXT NOT NULL,
  launch_id TEXT NOT NULL,
  profile TEXT NOT NULL,
  form_values TEXT NOT NULL,
  spawner TEXT NOT NULL,
  state TEXT NOT NULL,
  upstream TEXT NOT NULL,
  sealed_secret TEXT NOT NULL,
  started INTEGER,
  last_activity INTEGER NOT NULL,
  ended INTEGER,
  cause TEXT,
  detail TEXT NOT NULL,
  exit_code INTEGER,
  error_id TEXT NOT NULL,
  ended_by TEXT NOT NULL,
  PRIMARY KEY (user, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  result TEXT NOT NULL,
  cause TEXT NOT NULL,
  error_id TEXT NOT NULL,
  detail TEXT NOT NULL,
  peer TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_target ON audit (target, id);

CREATE TABLE health (one INTEGER PRIMARY KEY CHECK (one = 1), written INTEGER NOT NULL) STRICT;
INSERT INTO health VALUES (1, 0);
)sql";

// Further identities of a person, what authenticators keep of an identity, who is kept out, and
// which sign-in a session came from.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE users ADD COLUMN blocked INTEGER;

CREATE TABLE linked_identities (
  authenticator TEXT NOT NULL,
  subject TEXT NOT NULL,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  linked INTEGER NOT NULL,
  PRIMARY KEY (authenticator, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX linked_identities_by_user ON linked_identities (user);

CREATE TABLE auth_states (
  authenticator TEXT NOT NULL,
  subject TEXT NOT NULL,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  sealed TEXT NOT NULL,
  PRIMARY KEY (authenticator, subject)
) STRICT;
CREATE INDEX auth_states_by_user ON auth_states (user);

ALTER TABLE sessions ADD COLUMN authenticator TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN provider_session TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN sealed_hint TEXT NOT NULL DEFAULT '';
UPDATE sessions SET authenticator = (SELECT authenticator FROM users WHERE id = user),
                    subject = (SELECT subject FROM users WHERE id = user);
)sql";

// Signed launches count once, over a restart too.
constexpr const char* kVersion3 = R"sql(
CREATE TABLE nonces (
  scope TEXT NOT NULL,
  nonce TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (scope, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_until ON nonces (until);
)sql";

// What people opened in courses, where its grade goes and how that fares; what authenticators keep.
constexpr const char* kVersion4 = R"sql(
CREATE TABLE activities (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  authenticator TEXT NOT NULL,
  platform TEXT NOT NULL,
  link TEXT NOT NULL,
  context TEXT NOT NULL,
  context_title TEXT NOT NULL,
  title TEXT NOT NULL,
  user_id TEXT NOT NULL,
  teaches INTEGER NOT NULL,
  grade_url TEXT NOT NULL,
  grade_reference TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  score INTEGER NOT NULL DEFAULT 0,
  maximum INTEGER NOT NULL DEFAULT 0,
  comment TEXT NOT NULL DEFAULT '',
  given_by TEXT NOT NULL DEFAULT '',
  given INTEGER NOT NULL DEFAULT 0,
  state INTEGER NOT NULL DEFAULT 0,
  serial INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_try INTEGER NOT NULL DEFAULT 0,
  detail TEXT NOT NULL DEFAULT '',
  settled INTEGER,
  UNIQUE (authenticator, platform, link, user)
) STRICT;
CREATE INDEX activities_by_user ON activities (user);
CREATE INDEX activities_by_course ON activities (authenticator, platform, context);
CREATE INDEX activities_pending ON activities (next_try) WHERE state = 1;

CREATE VIEW activity_rows AS
SELECT a.id, a.user, u.username, u.display_name, a.authenticator, a.platform, a.link, a.context,
       a.context_title, a.title, a.user_id, a.teaches, a.grade_url, a.grade_reference, a.first_seen,
       a.last_seen, a.score, a.maximum, a.comment, a.given_by, a.given, a.state, a.serial,
       a.attempts, a.next_try, a.detail, a.settled
FROM activities a JOIN users u ON u.id = a.user;

CREATE TABLE kept (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
)sql";

// Groups that are filled here, administrators that were made here, and tokens that end with a
// session or were given to a service.
constexpr const char* kVersion5 = R"sql(
ALTER TABLE users ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN client TEXT NOT NULL DEFAULT '';
CREATE INDEX users_by_last_seen ON users (last_seen);

CREATE TABLE user_groups (
  name TEXT PRIMARY KEY,
  properties TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

CREATE TABLE group_members (
  name TEXT NOT NULL REFERENCES user_groups ON DELETE CASCADE,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  PRIMARY KEY (name, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_by_user ON group_members (user);
)sql";

constexpr std::array kSteps = {kVersion1, kVersion2, kVersion3, kVersion4, kVersion5};

/// The tables that are read at start; the audit log may be huge and is not needed to serve.
Result<void> check_pages(Database& database, const std::string& path) {
  for (const char* sql : {"PRAGMA quick_check(names)", "PRAGMA quick_check(users)",
                          "PRAGMA quick_check(credentials)", "PRAGMA quick_check(sessions)",
                          "PRAGMA quick_check(tokens)", "PRAGMA quick_check(servers)"}) {
    Query query(database, sql);
    if (!query.next()) continue;
    if (const std::string words = query.text(); words != "ok") return damaged(path, words);
  }
  return {};
}

Result<void> sync_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (!synced) return Error(Errc::unavailable, "cannot write the copy " + path);
  return {};
}

/// A whole copy beside the database, under its final name only once it is complete.
Result<void> copy_aside(Database& database, const std::string& path, std::int64_t version) {
  const std::string target = path + ".v" + std::to_string(version);
  const std::string partial = target + ".partial";
  ::unlink(partial.c_str());
  // SQLite takes an existing empty file, and ours is readable by nobody else.
  const int made = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) return Error(Errc::unavailable, "cannot make the copy " + partial);
  ::close(made);
  Query(database, "VACUUM INTO ?").with(partial).run();
  if (Result<void> synced = sync_file(partial); !synced) return synced;
  if (std::rename(partial.c_str(), target.c_str()) != 0)
    return Error(Errc::unavailable, "cannot make the copy " + target);
  log::info("store", "copied the database before its migration", {{"copy", target}});
  return {};
}

void take_steps(Database& database, std::span<const char* const> to) {
  database.execute("BEGIN IMMEDIATE");
  // Read again under the lock: another process may have been here first.
  const auto version = static_cast<std::size_t>(database.number("PRAGMA user_version"));
  for (std::size_t next = version; next < to.size(); ++next) database.execute(to[next]);
  if (database.number("SELECT count(*) FROM pragma_foreign_key_check") != 0)
    throw SQLite::Exception("it left rows without their owner", SQLITE_ERROR);
  const std::size_t reached = std::max(version, to.size());
  database.execute(("PRAGMA user_version=" + std::to_string(reached)).c_str());
  database.execute(("PRAGMA application_id=" + std::to_string(kApplicationId)).c_str());
  database.execute("COMMIT");
}

}  // namespace

std::span<const char* const> steps() {
  return kSteps;
}

Error damaged(const std::string& path, const std::string& words) {
  return Error(Errc::invalid, "the database " + path + " is damaged (" + words +
                                  "); nothing was changed: move it aside and restore a backup");
}

Result<void> check(Database& database, const std::string& path, std::int64_t newest) try {
  const std::int64_t tables = database.number("SELECT count(*) FROM sqlite_schema");
  if (tables == 0) return {};
  if (database.number("PRAGMA application_id") != kApplicationId)
    return Error(Errc::invalid, path + " is not a database of passerelle");
  const std::int64_t version = database.number("PRAGMA user_version");
  if (version > newest)
    return Error(Errc::invalid,
                 "the database " + path + " was written by a newer passerelle (schema " +
                     std::to_string(version) + ", this one knows " + std::to_string(newest) +
                     "): run that version, or restore the copy made before its migration");
  return check_pages(database, path);
} catch (const SQLite::Exception& thrown) {
  const int code = thrown.getErrorCode() & 0xFF;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return damaged(path, thrown.what());
  return to_error(thrown).within(path);
}

Result<void> migrate(Database& database,
                     const std::string& path,
                     std::span<const char* const> to) try {
  const std::int64_t version = database.number("PRAGMA user_version");
  if (version >= static_cast<std::int64_t>(to.size())) return {};
  if (version > 0)
    if (Result<void> copied = copy_aside(database, path, version); !copied) return copied;
  database.execute("PRAGMA foreign_keys=OFF");  // a step may rebuild a table; what it leaves is
                                                // checked before COMMIT
  take_steps(database, to);
  database.execute("PRAGMA foreign_keys=ON");
  return {};
} catch (const SQLite::Exception& thrown) {
  if (database.in_transaction()) database.execute("ROLLBACK");
  database.execute("PRAGMA foreign_keys=ON");
  return to_error(thrown).within("migration of " + path);
}

}  // namespace passerelle::store::sqlite
