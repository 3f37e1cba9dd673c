// Sessions: one row a signed-in browser.
#include "store/sqlite/rows.hpp"

namespace passerelle::store::sqlite {
namespace {

constexpr std::size_t kLongestUserAgent = 200;
constexpr std::size_t kLongestPeer = 100;

std::vector<Session> read_sessions(Query& query) {
  std::vector<Session> sessions;
  while (query.next()) {
    Session session;
    session.id = query.text();
    session.user = query.integer();
    session.created = query.instant();
    session.last_seen = query.instant();
    session.expires = query.instant();
    session.user_agent = query.text();
    session.peer = query.text();
    session.authenticator = query.text();
    session.subject = query.text();
    session.provider_session = query.text();
    session.sealed_hint = query.text();
    sessions.push_back(std::move(session));
  }
  return sessions;
}

}  // namespace

Result<void> put_session(Database& database, const Session& session) {
  // A touch may have overtaken the caller's copy: the later time stays.
  Query(database,
        R"sql(INSERT INTO sessions (id, user, created, last_seen, expires, user_agent, peer,
                                              authenticator, subject, provider_session, sealed_hint)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        ON CONFLICT (id) DO UPDATE SET user = excluded.user, created = excluded.created,
                          last_seen = max(last_seen, excluded.last_seen), expires = excluded.expires,
                          user_agent = excluded.user_agent, peer = excluded.peer,
                          authenticator = excluded.authenticator, subject = excluded.subject,
                          provider_session = excluded.provider_session, sealed_hint = excluded.sealed_hint)sql")
      .with(session.id)
      .with(session.user)
      .with(session.created)
      .with(session.last_seen)
      .with(session.expires)
      .with(cut(session.user_agent, kLongestUserAgent))
      .with(cut(session.peer, kLongestPeer))
      .with(session.authenticator)
      .with(session.subject)
      .with(session.provider_session)
      .with(session.sealed_hint)
      .run();
  return {};
}

Result<std::vector<Session>> unexpired_sessions(Database& database, Instant now) {
  Query query(database, "SELECT * FROM sessions WHERE expires > ? ORDER BY created, id");
  return read_sessions(query.with(now));
}

Result<std::vector<Session>> sessions_of(Database& database, UserId user) {
  Query query(database, "SELECT * FROM sessions WHERE user = ? ORDER BY created, id");
  return read_sessions(query.with(user));
}

Result<void> erase_session(Database& database, const std::string& id) {
  Query(database, "DELETE FROM sessions WHERE id = ?").with(id).run();
  return {};
}

Result<void> erase_sessions_of(Database& database, UserId user, const std::string& except_id) {
  Query(database, "DELETE FROM sessions WHERE user = ? AND id <> ?")
      .with(user)
      .with(except_id)
      .run();
  return {};
}

Result<std::size_t> erase_expired_sessions(Database& database, Instant now, Instant idle_before) {
  Query query(database, "DELETE FROM sessions WHERE expires <= ? OR last_seen < ?");
  return query.with(now).with(idle_before).run();
}

}  // namespace passerelle::store::sqlite
