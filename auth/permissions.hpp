// Permissions: the one place that decides whether somebody may do something. Sessions and tokens
// both become a Principal; pages, API and the gate all ask allowed().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/account.hpp"
#include "auth/scopes.hpp"

namespace passerelle::auth {

/// Who acts: an account with its rights, narrowed by a token's scopes if it comes by token.
/// Immutable.
struct Principal {
  std::shared_ptr<const Account> account;
  ScopeSet rights;  ///< The account's: "self", and everything for an administrator.
  std::optional<ScopeSet>
      narrowed;  ///< A token's scopes; none: a session, or a token that inherits all.
};

/// A signed-in browser.
Principal principal_of(std::shared_ptr<const Account> account);
/// A token: its scopes and its owner's rights of this moment must both allow. Errc::invalid for a
/// scope that does not parse.
Result<Principal> principal_of(std::shared_ptr<const Account> owner,
                               const std::vector<std::string>& scopes);

/// The decision. Editing or deleting an administrator, or making one, needs an unnarrowed
/// administrator whatever the scopes say (CVE-2024-41942).
bool allowed(const Principal& who, ScopeName what, const Target& target) noexcept;

/// Whether `who` may make a token with these scopes for `owner`: nobody hands out more than they
/// have. Errc::forbidden or Errc::invalid names the first scope that fails.
Result<void> may_hand_out(const Principal& who,
                          const Account& owner,
                          const std::vector<std::string>& scopes);

}  // namespace passerelle::auth
