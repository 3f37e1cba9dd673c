// API tokens: found by the digest of what the caller shows, listed and revoked by their public id.
#include "store/sqlite/rows.hpp"

namespace passerelle::store::sqlite {
namespace {

ApiToken read_token(Query& row) {
  ApiToken token;
  token.id = row.text();
  token.hash = row.text();
  token.user = row.integer();
  token.scopes = row.list();
  token.note = row.text();
  token.created = row.instant();
  token.expires = row.maybe_instant();
  token.last_used = row.maybe_instant();
  token.session = row.text();
  token.client = row.text();
  return token;
}

std::vector<ApiToken> read_tokens(Query& query) {
  std::vector<ApiToken> tokens;
  while (query.next()) tokens.push_back(read_token(query));
  return tokens;
}

}  // namespace

Result<void> put_token(Database& database, const ApiToken& token) {
  Query(database,
        R"sql(INSERT INTO tokens (id, hash, user, scopes, note, created, expires, last_used,
                                            session, client)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, user = excluded.user,
                          scopes = excluded.scopes, note = excluded.note, created = excluded.created,
                          expires = excluded.expires,
                          last_used = nullif(max(coalesce(last_used, 0), coalesce(excluded.last_used, 0)), 0))sql")
      .with(token.id)
      .with(token.hash)
      .with(token.user)
      .with_list(token.scopes)
      .with(token.note)
      .with(token.created)
      .with(token.expires)
      .with(token.last_used)
      .with(token.session)
      .with(token.client)
      .run();
  return {};
}

Result<ApiToken> find_token(Database& database, const std::string& hash) {
  Query query(database, "SELECT * FROM tokens WHERE hash = ?");
  if (!query.with(hash).next()) return Error(Errc::not_found, "no such token");
  return read_token(query);
}

Result<std::vector<ApiToken>> all_tokens(Database& database) {
  Query query(database, "SELECT * FROM tokens ORDER BY created, id");
  return read_tokens(query);
}

Result<std::vector<ApiToken>> tokens_of(Database& database, UserId user) {
  Query query(database, "SELECT * FROM tokens WHERE user = ? ORDER BY created, id");
  return read_tokens(query.with(user));
}

Result<void> erase_token(Database& database, const std::string& id) {
  Query query(database, "DELETE FROM tokens WHERE id = ?");
  if (query.with(id).run() == 0) return Error(Errc::not_found, "no such token");
  return {};
}

}  // namespace passerelle::store::sqlite
