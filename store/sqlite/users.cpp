// Users, their usernames and credentials.
#include "base/secrets.hpp"
#include "store/sqlite/rows.hpp"
#include "store/username.hpp"

namespace passerelle::store::sqlite {
namespace {

User read_user(Query& row) {
  User user;
  user.id = row.integer();
  user.authenticator = row.text();
  user.subject = row.text();
  user.username = row.text();
  user.display_name = row.text();
  user.groups = row.list();
  user.created = row.instant();
  user.last_seen = row.instant();
  user.blocked = row.maybe_instant();
  return user;
}

Result<User> one_user(Query& query) {
  if (!query.next()) return Error(Errc::not_found, "no such user");
  return read_user(query);
}

std::string owner_digest(const NewUser& wanted) {
  return secrets::sha256_hex(wanted.authenticator + '\0' + wanted.subject);
}

bool is_taken(Database& database, const std::string& username) {
  Query query(database, "SELECT 1 FROM names WHERE username = ?");
  return query.with(username).next();
}

/// The next number after the highest that this base ever had, so that a thousand namesakes cost one
/// look-up each.
std::int64_t first_number_to_try(Database& database, const std::string& base) {
  Query query(database, "SELECT coalesce(max(number), 0) + 1 FROM names WHERE base = ?");
  query.with(base).next();
  return query.integer();
}

std::string new_username(Database& database, const NewUser& wanted, const std::string& owner) {
  const std::string base = clean_username(wanted.wanted_username);
  std::int64_t number = first_number_to_try(database, base);
  while (is_taken(database, numbered_username(base, number))) ++number;
  const std::string username = numbered_username(base, number);
  Query(database, "INSERT INTO names (username, base, number, owner) VALUES (?, ?, ?, ?)")
      .with(username)
      .with(base)
      .with(number)
      .with(owner)
      .run();
  return username;
}

/// An erased person who comes back gets the same name: it was kept for them, and for nobody else.
std::string username_of(Database& database, const NewUser& wanted) {
  const std::string owner = owner_digest(wanted);
  {
    Query query(database, "SELECT username FROM names WHERE owner = ?");
    if (query.with(owner).next()) return query.text();
  }
  return new_username(database, wanted, owner);
}

bool has_free_seat(Database& database, const NewUser& wanted) {
  if (wanted.max_users == 0) return true;
  Query query(database, "SELECT count(*) FROM users WHERE authenticator = ?");
  query.with(wanted.authenticator).next();
  return query.integer() < static_cast<std::int64_t>(wanted.max_users);
}

Result<Entered> update_user(Database& database, const NewUser& wanted, UserId id, Instant now) {
  Query(database,
        R"sql(UPDATE users SET display_name = ?, "groups" = ?, last_seen = ? WHERE id = ?)sql")
      .with(wanted.display_name)
      .with_list(wanted.groups)
      .with(now)
      .with(id)
      .run();
  Result<User> user = find_user(database, id);
  if (!user) return std::move(user).error();
  return Entered{std::move(*user), false};
}

Result<Entered> insert_user(Database& database, const NewUser& wanted, Instant now) {
  if (!has_free_seat(database, wanted))
    return Error(Errc::exhausted, "all " + std::to_string(wanted.max_users) + " seats of " +
                                      wanted.authenticator + " are taken");
  const std::string username = username_of(database, wanted);
  Query(
      database,
      R"sql(INSERT INTO users (authenticator, subject, username, display_name, "groups", created, last_seen)
              VALUES (?, ?, ?, ?, ?, ?6, ?6))sql")
      .with(wanted.authenticator)
      .with(wanted.subject)
      .with(username)
      .with(wanted.display_name)
      .with_list(wanted.groups)
      .with(now)
      .run();
  Result<User> user = find_user_by_identity(database, wanted.authenticator, wanted.subject);
  if (!user) return std::move(user).error();
  for (const Credential& credential : wanted.credentials)
    if (Result<void> added = add_credential(database, user->id, credential); !added)
      return std::move(added).error();
  return Entered{std::move(*user), true};
}

}  // namespace

Result<Entered> enter_user(Database& database,
                           const NewUser& wanted,
                           bool must_be_new,
                           Instant now) {
  const Result<User> known = find_user_by_identity(database, wanted.authenticator, wanted.subject);
  if (!known) return insert_user(database, wanted, now);
  if (must_be_new) return Error(Errc::conflict, "this name is taken already");
  return update_user(database, wanted, known->id, now);
}

Result<User> find_user(Database& database, UserId id) {
  Query query(database, "SELECT * FROM users WHERE id = ?");
  return one_user(query.with(id));
}

Result<User> find_user_by_identity(Database& database,
                                   const std::string& authenticator,
                                   const std::string& subject) {
  Query query(database,
              R"sql(SELECT * FROM users WHERE id = coalesce(
                      (SELECT id FROM users WHERE authenticator = ?1 AND subject = ?2),
                      (SELECT user FROM linked_identities WHERE authenticator = ?1 AND subject = ?2)))sql");
  return one_user(query.with(authenticator).with(subject));
}

Result<User> find_user_by_name(Database& database, const std::string& username) {
  Query query(database, "SELECT * FROM users WHERE username = ?");
  return one_user(query.with(username));
}

Result<std::vector<User>> all_users(Database& database) {
  Query query(database, "SELECT * FROM users ORDER BY id");
  std::vector<User> users;
  while (query.next()) users.push_back(read_user(query));
  return users;
}

Result<std::vector<Credential>> credentials_of(Database& database, UserId id) {
  Query query(database, "SELECT kind, hash FROM credentials WHERE user = ? ORDER BY id");
  query.with(id);
  std::vector<Credential> found;
  while (query.next()) {
    Credential credential;
    credential.kind = query.text();
    credential.hash = query.text();
    found.push_back(std::move(credential));
  }
  return found;
}

Result<void> add_credential(Database& database, UserId id, const Credential& credential) {
  // REPLACE makes a known one the newest.
  Query(database, "REPLACE INTO credentials (user, kind, hash) VALUES (?, ?, ?)")
      .with(id)
      .with(credential.kind)
      .with(credential.hash)
      .run();
  Query(database, R"sql(DELETE FROM credentials WHERE user = ?1 AND kind = ?2 AND id NOT IN
                        (SELECT id FROM credentials WHERE user = ?1 AND kind = ?2 ORDER BY id DESC LIMIT 8))sql")
      .with(id)
      .with(credential.kind)
      .run();
  return {};
}

Result<void> set_user_blocked(Database& database, UserId id, std::optional<Instant> since) {
  Query query(database, "UPDATE users SET blocked = ? WHERE id = ?");
  if (query.with(since).with(id).run() == 0) return Error(Errc::not_found, "no such user");
  return {};
}

Result<void> erase_user(Database& database, UserId id) {
  Query query(database, "DELETE FROM users WHERE id = ?");
  if (query.with(id).run() == 0) return Error(Errc::not_found, "no such user");
  return {};
}

}  // namespace passerelle::store::sqlite
