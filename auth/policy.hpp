// Policy: who may come in, and who is an administrator, by the configuration's `access`. Pure: it
// asks nobody. Which single actions are then allowed is permissions.hpp.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/roles.hpp"
#include "config/settings.hpp"
#include "store/records.hpp"

namespace passerelle::auth {

class Shares;

/// Who asks, as far as it is known. Before a person's first sign-in `username` is the one they
/// would get, or empty when somebody else holds it.
struct Person {
  std::string authenticator;
  std::string subject;
  std::string username;
  std::vector<std::string> groups;
  bool blocked = false;  ///< By an administrator (store::User::blocked).
  bool admin = false;    ///< Made one by an administrator (store::User::admin).
};

struct Admitted {
  std::vector<std::string> groups;
  bool admin = false;
  std::vector<std::string> scopes{"self"};  ///< What their roles give.
  std::vector<std::string> roles{};
};

enum class Refusal {
  nobody_allowed,  ///< The configuration has no `allow`.
  blocked,
  not_allowed,
};

/// "nobody-allowed", ...: audit cause, and the end of the message key "sign-in.refused.<code>".
std::string_view to_string(Refusal refusal) noexcept;

using Admission = std::variant<Admitted, Refusal>;

class Policy {
 public:
  /// `open`: the authenticators where people choose their names. There a bare name makes nobody an
  /// administrator; "authenticator:subject" does.
  Policy(config::Access access, std::vector<std::string> open, Roles roles = Roles());

  /// Nobody without an `allow`; `block` wins over everything. Bare names and blocked ones are
  /// compared without case, an allowed "authenticator:subject" exactly: an OpenID subject that
  /// differs in case is another person.
  Admission admit(const Person& person) const;
  Admission admit(const store::User& user) const;
  const Roles& roles() const noexcept { return roles_; }
  /// What people share with each other counts from now on; `shares` outlives the policy.
  void count_shares(const Shares& shares) noexcept { shares_ = &shares; }

 private:
  config::Access access_;
  std::vector<std::string> open_;
  Roles roles_;
  const Shares* shares_ = nullptr;
};

}  // namespace passerelle::auth
