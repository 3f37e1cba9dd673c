// Users, their usernames and credentials.
#include <algorithm>
#include <array>

#include "base/secrets.hpp"
#include "store/sqlite/rows.hpp"
#include "store/username.hpp"

// A literal, as statements are; a view could not call json_group_array (trusted_schema is off).
#define PASSERELLE_USERS                                                                        \
  "SELECT id, authenticator, subject, username, display_name, \"groups\", created, last_seen, " \
  "blocked, admin, (SELECT json_group_array(m.name) FROM group_members m WHERE m.user = u.id) " \
  "FROM users u"

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
  user.admin = row.integer() != 0;
  user.told_groups = user.groups;
  for (std::string& name : row.list())
    if (std::find(user.groups.begin(), user.groups.end(), name) == user.groups.end())
      user.groups.push_back(std::move(name));
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
  Query query(database, PASSERELLE_USERS " WHERE id = ?");
  return one_user(query.with(id));
}

Result<User> find_user_by_identity(Database& database,
                                   const std::string& authenticator,
                                   const std::string& subject) {
  Query query(database, PASSERELLE_USERS R"sql( WHERE u.id = coalesce(
                      (SELECT id FROM users WHERE authenticator = ?1 AND subject = ?2),
                      (SELECT user FROM linked_identities WHERE authenticator = ?1 AND subject = ?2)))sql");
  return one_user(query.with(authenticator).with(subject));
}

Result<User> find_user_by_name(Database& database, const std::string& username) {
  Query query(database, PASSERELLE_USERS " WHERE username = ?");
  return one_user(query.with(username));
}

Result<std::vector<User>> all_users(Database& database) {
  Query query(database, PASSERELLE_USERS " ORDER BY id");
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

Result<void> set_user_admin(Database& database, UserId id, bool admin) {
  Query query(database, "UPDATE users SET admin = ? WHERE id = ?");
  if (query.with(std::int64_t{admin}).with(id).run() == 0)
    return Error(Errc::not_found, "no such user");
  return {};
}

Result<void> see_user(Database& database, UserId id, Instant at) {
  Query(database, "UPDATE users SET last_seen = max(last_seen, ?) WHERE id = ?")
      .with(at)
      .with(id)
      .run();
  return {};
}

namespace {

// ?1: a part of the name; ?2, ?3: lists of ids that are meant alone (or null), and left out.
#define PASSERELLE_MEANT                                         \
  " WHERE (?1 = '' OR instr(username, ?1) > 0)"                  \
  " AND (?2 IS NULL OR id IN (SELECT value FROM json_each(?2)))" \
  " AND (?3 = '[]' OR id NOT IN (SELECT value FROM json_each(?3)))"
#define PASSERELLE_ROWS(order) \
  PASSERELLE_USERS PASSERELLE_MEANT " ORDER BY " order " LIMIT ?4 OFFSET ?5"

constexpr std::array<std::array<const char*, 2>, 3> kPages = {{
    {PASSERELLE_ROWS("id"), PASSERELLE_ROWS("id DESC")},
    {PASSERELLE_ROWS("username"), PASSERELLE_ROWS("username DESC")},
    {PASSERELLE_ROWS("last_seen, id"), PASSERELLE_ROWS("last_seen DESC, id DESC")},
}};
constexpr const char* kCount = "SELECT count(*) FROM users" PASSERELLE_MEANT;
#undef PASSERELLE_ROWS
#undef PASSERELLE_MEANT

std::string list_of(const std::vector<UserId>& ids) {
  std::string list = "[";
  for (const UserId id : ids) list.append(list.size() > 1 ? "," : "").append(std::to_string(id));
  return list + "]";
}

void bind_meant(Query& query, const UserStore::PageQuery& wanted) {
  query.with(wanted.part_of_name);
  query.with(wanted.only ? std::optional(list_of(*wanted.only)) : std::nullopt);
  query.with(list_of(wanted.without));
}

}  // namespace

Result<UserStore::Page> page_of_users(Database& database, const UserStore::PageQuery& wanted) {
  UserStore::Page page;
  {
    Query count(database, kCount);
    bind_meant(count, wanted);
    count.next();
    page.total = static_cast<std::size_t>(count.integer());
  }
  Query query(database, kPages[static_cast<std::size_t>(wanted.sort)][wanted.descending ? 1 : 0]);
  bind_meant(query, wanted);
  query.with(wanted.limit == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(wanted.limit));
  query.with(static_cast<std::int64_t>(wanted.offset));
  while (query.next()) page.users.push_back(read_user(query));
  return page;
}

Result<UserCounts> count_users(Database& database, const std::vector<ActivePeriod>& periods) {
  UserCounts counts;
  {
    Query all(database, "SELECT count(*) FROM users");
    all.next();
    counts.all = static_cast<std::size_t>(all.integer());
  }
  for (const ActivePeriod& period : periods) {
    // Two counts that exclude each other: the first one only looks at an index.
    Query active(database,
                 "SELECT (SELECT count(*) FROM users WHERE last_seen >= ?1) + "
                 "(SELECT count(*) FROM users WHERE last_seen < ?1 AND id IN "
                 "(SELECT value FROM json_each(?2)))");
    active.with(period.since).with(list_of(period.also)).next();
    counts.active.push_back(static_cast<std::size_t>(active.integer()));
  }
  return counts;
}

Result<void> erase_user(Database& database, UserId id) {
  Query query(database, "DELETE FROM users WHERE id = ?");
  if (query.with(id).run() == 0) return Error(Errc::not_found, "no such user");
  return {};
}

}  // namespace passerelle::store::sqlite
