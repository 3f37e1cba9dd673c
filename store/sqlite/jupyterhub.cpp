#include "store/jupyterhub.hpp"

#include "store/sqlite/database.hpp"

namespace passerelle::store {
namespace {

using sqlite::Database;
using sqlite::Query;
using Data = JupyterHubData;

// Times are texts in UTC there.
#define PASSERELLE_MICROS(column) "CAST(strftime('%s', " column ") AS INTEGER) * 1000000"

bool has_column(Database& from, const char* sql) {
  return from.number(sql) > 0;
}

std::vector<Data::User> read_users(Database& from) {
  Query query(from, "SELECT name, coalesce(admin, 0), " PASSERELLE_MICROS("last_activity") ", "
              "(SELECT json_group_array(g.name) FROM user_group_map m JOIN \"groups\" g ON g.id = "
              "m.group_id WHERE m.user_id = u.id) FROM users u ORDER BY id");
  std::vector<Data::User> users;
  while (query.next()) {
    Data::User user;
    user.name = query.text();
    user.admin = query.integer() != 0;
    user.last_activity = query.maybe_instant();
    user.groups = query.list();
    users.push_back(std::move(user));
  }
  return users;
}

std::vector<Data::Group> read_groups(Database& from) {
  const bool kept = has_column(
      from, "SELECT count(*) FROM pragma_table_info('groups') WHERE name = 'properties'");
  Query query(from, kept ? "SELECT name, coalesce(properties, '{}') FROM \"groups\" ORDER BY id"
                         : "SELECT name, '{}' FROM \"groups\" ORDER BY id");
  std::vector<Data::Group> groups;
  while (query.next()) {
    Data::Group group;
    group.name = query.text();
    group.properties = query.text();
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<Data::Server> read_servers(Database& from) {
  Query query(from, "SELECT u.name, coalesce(s.name, ''), coalesce(s.user_options, '{}'), "
              PASSERELLE_MICROS("s.last_activity") ", s.server_id IS NOT NULL "
              "FROM spawners s JOIN users u ON u.id = s.user_id ORDER BY s.id");
  std::vector<Data::Server> servers;
  while (query.next()) {
    Data::Server server;
    server.user = query.text();
    server.name = query.text();
    server.options = query.text();
    server.last_activity = query.maybe_instant();
    server.running = query.integer() != 0;
    servers.push_back(std::move(server));
  }
  return servers;
}

std::vector<Data::Token> read_tokens(Database& from) {
  Query query(from, "SELECT coalesce(u.name, ''), coalesce(t.prefix, ''), coalesce(t.hashed, ''), "
              "coalesce(t.client_id, ''), coalesce(t.note, ''), coalesce(t.scopes, '[]'), "
              PASSERELLE_MICROS("t.created") ", " PASSERELLE_MICROS("t.expires_at") " "
              "FROM api_tokens t LEFT JOIN users u ON u.id = t.user_id ORDER BY t.id");
  std::vector<Data::Token> tokens;
  while (query.next()) {
    Data::Token token;
    token.user = query.text();
    token.prefix = query.text();
    token.hashed = query.text();
    token.client = query.text();
    token.note = query.text();
    token.scopes = query.list();
    token.created = query.maybe_instant();
    token.expires = query.maybe_instant();
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::vector<Data::Role> read_roles(Database& from) {
  Query query(from, R"sql(
    SELECT r.name, coalesce(r.scopes, '[]'),
      (SELECT json_group_array(u.name) FROM user_role_map m JOIN users u ON u.id = m.user_id
        WHERE m.role_id = r.id),
      (SELECT json_group_array(g.name) FROM group_role_map m JOIN "groups" g ON g.id = m.group_id
        WHERE m.role_id = r.id),
      (SELECT json_group_array(s.name) FROM service_role_map m JOIN services s
        ON s.id = m.service_id WHERE m.role_id = r.id)
    FROM roles r ORDER BY r.id)sql");
  std::vector<Data::Role> roles;
  while (query.next()) {
    Data::Role role;
    role.name = query.text();
    role.scopes = query.list();
    role.users = query.list();
    role.groups = query.list();
    role.services = query.list();
    roles.push_back(std::move(role));
  }
  return roles;
}

}  // namespace

Result<JupyterHubData> read_jupyterhub(const std::string& path) try {
  Database from(path, Database::Access::read_only, "");
  if (from.number("SELECT count(*) FROM sqlite_schema WHERE name IN ('users', 'spawners', "
                  "'api_tokens', 'roles', 'user_group_map')") != 5)
    return Error(Errc::invalid, path + " is not a database of JupyterHub 2 or later");
  JupyterHubData data;
  data.users = read_users(from);
  data.groups = read_groups(from);
  data.servers = read_servers(from);
  data.tokens = read_tokens(from);
  data.roles = read_roles(from);
  return data;
} catch (const std::exception& thrown) {
  return Error(Errc::invalid, path + " cannot be read: " + thrown.what());
}

}  // namespace passerelle::store
