// Accounts: users made, removed and made administrators, from the REST API and from the
// administrators' page. The caller has asked for the permission; each change is written to the
// audit log.
#pragma once

#include "hub/people.hpp"

namespace passerelle::hub {

/// A name that a username can have just so.
bool good_username(const std::string& name);

struct NewUsers {
  std::vector<std::string> names;  ///< Each a good_username().
  bool admin = false;
  std::string authenticator;  ///< Empty: the first.
};

/// People who have not signed in yet: who signs in with this name by that method is this user.
/// Names that somebody has are left out. Errc::conflict: all of them.
Task<Result<std::vector<store::User>>> make_users(Parts& parts, NewUsers wanted, Actor actor);

/// Stops their servers, ends their sessions and tokens, removes them. Errc::conflict while one of
/// the servers is stopping.
Task<Result<void>> remove_user(Parts& parts, store::User user, Actor actor);

/// Their sessions and tokens go on with the rights that they have from now on.
Task<Result<store::User>> set_admin(Parts& parts, store::User user, bool admin, Actor actor);
Task<Result<store::User>> reload_rights(Parts& parts, store::UserId id);

}  // namespace passerelle::hub
