#include "auth/roles.hpp"

#include <algorithm>

#include "auth/scopes.hpp"
#include "config/rbac.hpp"

namespace passerelle::auth {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

void add(const config::Role& role,
         std::vector<std::string>& scopes,
         std::vector<std::string>& roles) {
  scopes.insert(scopes.end(), role.scopes.begin(), role.scopes.end());
  if (!contains(roles, role.name)) roles.push_back(role.name);
}

}  // namespace

const config::Role* Roles::find(std::string_view name) const noexcept {
  if (!configured_) return nullptr;
  for (const config::Role& role : configured_->roles)
    if (role.name == name) return &role;
  return nullptr;
}

void Roles::give(const std::vector<std::string>& groups,
                 bool admin,
                 const std::function<bool(const std::string&)>& named,
                 std::vector<std::string>& scopes,
                 std::vector<std::string>& roles) const {
  roles = admin ? std::vector<std::string>{"admin", "user"} : std::vector<std::string>{"user"};
  scopes = {"self"};
  if (const config::Role* own = find("user"); own != nullptr && !own->scopes.empty())
    scopes = own->scopes;
  if (!configured_) return;
  for (const config::Role& role : configured_->roles) {
    if (role.name == "user") continue;
    const bool by_group =
        std::any_of(role.groups.begin(), role.groups.end(),
                    [&](const std::string& group) { return contains(groups, group); });
    if (by_group || std::any_of(role.users.begin(), role.users.end(), named))
      add(role, scopes, roles);
  }
}

void Roles::give_service(const config::Service& service,
                         std::vector<std::string>& scopes,
                         std::vector<std::string>& roles) const {
  scopes.clear();
  roles.clear();
  if (service.admin) roles.emplace_back("admin");
  if (!configured_) return;
  for (const config::Role& role : configured_->roles)
    if (contains(role.services, service.name)) add(role, scopes, roles);
}

std::vector<std::string> Roles::of_server(std::string_view username,
                                          std::string_view server) const {
  std::vector<std::string> scopes = {"users:activity!user", "access:servers!server"};
  if (const config::Role* own = find("server"); own != nullptr && !own->scopes.empty())
    scopes = own->scopes;
  for (std::string& scope : scopes)
    if (scope.ends_with("!server")) scope.append("=").append(username).append("/").append(server);
  return scopes;
}

Result<void> check_roles(const config::Rbac& configured) {
  for (const config::Role& role : configured.roles) {
    ScopeSet set;
    for (const std::string& scope : role.scopes) {
      if (scope == "inherit" && role.name == "token") continue;
      auto added = set.add(scope, Owner{"owner", "owner/", "service"});
      if (!added) return std::move(added).error().within("roles." + role.name + ".scopes");
    }
    for (const ScopeSet::Custom& custom : set.customs())
      if (!contains(configured.custom_scopes, custom.name))
        return Error(Errc::invalid, "scope \"" + custom.name + "\" is not in `custom_scopes`")
            .within("roles." + role.name + ".scopes");
  }
  return {};
}

std::vector<std::string> Roles::names_of_group(std::string_view group) const {
  std::vector<std::string> names;
  if (configured_)
    for (const config::Role& role : configured_->roles)
      if (contains(role.groups, group)) names.push_back(role.name);
  return names;
}

}  // namespace passerelle::auth
