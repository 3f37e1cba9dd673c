// Roles: named bundles of scopes and who has them, by the configuration's `roles`, beside the four
// that always exist (user, admin, server, token). Immutable; asked by policy.hpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
namespace passerelle::config {
struct Rbac;  // config/rbac.hpp
struct Role;
struct Service;
}  // namespace passerelle::config

namespace passerelle::auth {

class Roles {
 public:
  /// Null: only the four.
  explicit Roles(std::shared_ptr<const config::Rbac> configured = nullptr)
      : configured_(std::move(configured)) {}

  /// What a person has by roles: their names, and the scopes of all of them. `named`: whether an
  /// entry of a role's `users` means this person.
  void give(const std::vector<std::string>& groups,
            bool admin,
            const std::function<bool(const std::string&)>& named,
            std::vector<std::string>& scopes,
            std::vector<std::string>& roles) const;
  void give_service(const config::Service& service,
                    std::vector<std::string>& scopes,
                    std::vector<std::string>& roles) const;
  /// The role `server`, for one server: "access:servers!server=alice/".
  std::vector<std::string> of_server(std::string_view username, std::string_view server) const;
  /// The names of the roles that a group of the configuration has.
  std::vector<std::string> names_of_group(std::string_view group) const;
  const config::Role* find(std::string_view name) const noexcept;

 private:
  std::shared_ptr<const config::Rbac> configured_;
};

/// That each scope of each role exists, and custom ones are declared. Errc::invalid names the first
/// that does not.
Result<void> check_roles(const config::Rbac& configured);

}  // namespace passerelle::auth
