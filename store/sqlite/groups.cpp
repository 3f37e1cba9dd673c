// Groups: what was made here, and who is in them by whatever way (memberships).
#include "store/sqlite/rows.hpp"

// (name, username): who was added, and whom a sign-in puts there.
#define PASSERELLE_MEMBERSHIPS                                          \
  "WITH memberships AS (SELECT m.name AS name, u.username AS username " \
  "FROM group_members m JOIN users u ON u.id = m.user "                 \
  "UNION SELECT told.value, u.username FROM users u, json_each(u.\"groups\") told) "

namespace passerelle::store::sqlite {
namespace {

void make_group(Database& database, const std::string& name) {
  Query(database, "INSERT OR IGNORE INTO user_groups (name) VALUES (?)").with(name).run();
}

}  // namespace

Result<std::vector<Group>> all_groups(Database& database) {
  Query query(database, PASSERELLE_MEMBERSHIPS R"sql(
    SELECT g.name, coalesce(p.properties, '{}'),
           (SELECT json_group_array(username) FROM
             (SELECT username FROM memberships m WHERE m.name = g.name ORDER BY username))
    FROM (SELECT name FROM user_groups UNION SELECT name FROM memberships) g
    LEFT JOIN user_groups p ON p.name = g.name ORDER BY g.name)sql");
  std::vector<Group> groups;
  while (query.next()) {
    Group group;
    group.name = query.text();
    group.properties = query.text();
    group.users = query.list();
    groups.push_back(std::move(group));
  }
  return groups;
}

Result<Group> find_group(Database& database, const std::string& name) {
  Group group;
  group.name = name;
  bool made = false;
  {
    Query query(database, "SELECT properties FROM user_groups WHERE name = ?");
    made = query.with(name).next();
    if (made) group.properties = query.text();
  }
  Query query(database, PASSERELLE_MEMBERSHIPS
              "SELECT username FROM memberships WHERE name = ? ORDER BY username");
  query.with(name);
  while (query.next()) group.users.push_back(query.text());
  if (!made && group.users.empty()) return Error(Errc::not_found, "no such group");
  return group;
}

Result<void> create_group(Database& database, const std::string& name) {
  if (find_group(database, name)) return Error(Errc::conflict, "this group exists already");
  make_group(database, name);
  return {};
}

Result<void> erase_group(Database& database, const std::string& name) {
  Query query(database, "DELETE FROM user_groups WHERE name = ?");
  if (query.with(name).run() == 0) return Error(Errc::not_found, "no such group");
  return {};
}

Result<void> add_to_group(Database& database,
                          const std::string& name,
                          const std::vector<UserId>& users) {
  make_group(database, name);
  for (const UserId user : users)
    Query(database, "INSERT OR IGNORE INTO group_members (name, user) VALUES (?, ?)")
        .with(name)
        .with(user)
        .run();
  return {};
}

Result<void> remove_from_group(Database& database,
                               const std::string& name,
                               const std::vector<UserId>& users) {
  for (const UserId user : users)
    Query(database, "DELETE FROM group_members WHERE name = ? AND user = ?")
        .with(name)
        .with(user)
        .run();
  return {};
}

Result<void> set_group_properties(Database& database,
                                  const std::string& name,
                                  const std::string& properties) {
  make_group(database, name);
  Query(database, "UPDATE user_groups SET properties = ? WHERE name = ?")
      .with(properties)
      .with(name)
      .run();
  return {};
}

}  // namespace passerelle::store::sqlite
