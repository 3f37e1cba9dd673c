// Nonces: what was used once, until it would be refused for its age anyway.
#include "store/sqlite/rows.hpp"

namespace passerelle::store::sqlite {

Result<bool> use_nonce(Database& database,
                       const std::string& scope,
                       const std::string& nonce,
                       Instant now,
                       Instant until,
                       std::size_t most) {
  Query(database, "DELETE FROM nonces WHERE until < ?").with(now).run();
  Query full(database, "SELECT 1 FROM nonces WHERE scope = ? LIMIT 1 OFFSET ?");
  if (full.with(scope).with(static_cast<std::int64_t>(most) - 1).next())
    return Error(Errc::exhausted, "too many nonces of " + scope);
  Query add(database, "INSERT OR IGNORE INTO nonces (scope, nonce, until) VALUES (?, ?, ?)");
  return add.with(scope).with(nonce).with(until).run() == 1;
}

}  // namespace passerelle::store::sqlite
