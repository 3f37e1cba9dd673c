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
  ScopeSet rights;  ///< The account's: what its roles give, and everything for an administrator.
  std::optional<ScopeSet>
      narrowed;  ///< A token's scopes; none: a session, or a token that inherits all.
};

/// A signed-in browser, or a service.
Principal principal_of(std::shared_ptr<const Account> account);
/// A token: its scopes and its owner's rights of this moment must both allow. Errc::invalid for a
/// scope that does not parse.
Result<Principal> principal_of(std::shared_ptr<const Account> owner,
                               const std::vector<std::string>& scopes);

/// The decision. Editing or deleting an administrator, or making one, needs an unnarrowed
/// administrator whatever the scopes say (CVE-2024-41942).
bool allowed(const Principal& who, ScopeName what, const Target& target) noexcept;

/// An administrator with all of an administrator's rights: a session, or a token that inherits all.
bool whole_administrator(const Principal& who) noexcept;

/// Whether there may be anything that `what` opens to them: what a list is asked for with.
bool has(const Principal& who, ScopeName what) noexcept;

/// What a token or session can do at this moment, as one set: for those who are told (services).
ScopeSet effective(const Principal& who, const Membership& members);

/// Whether `who` may make a token of `owner` with these scopes: nobody hands out what they do not
/// have (Errc::forbidden). "inherit" is for one's own token or by an administrator, and not from a
/// narrowed token. Errc::invalid for a scope that does not parse.
Result<void> may_hand_out(const Principal& who,
                          const Account& owner,
                          const std::vector<std::string>& scopes,
                          const Membership& members = {});

}  // namespace passerelle::auth
