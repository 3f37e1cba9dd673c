// Sharing a server: what the REST API and the page of a share code have in common. Each change is
// written to the audit log and acts at once: on rights, and on connections that rest on them.
#pragma once

#include "auth/shares.hpp"
#include "hub/people.hpp"

namespace passerelle::hub {

/// "access:servers!server=alice/": what a share gives when nothing is said.
std::string access_scope(const auth::SharedServer& of);

/// That each of the scopes is for that server and nothing else. Errc::invalid names the first that
/// is not.
Result<void> check_share_scopes(const auth::SharedServer& of,
                                const std::vector<std::string>& scopes);

Task<Result<auth::Share>> grant_share(Parts& parts,
                                      auth::SharedServer of,
                                      auth::Grantee to,
                                      std::vector<std::string> scopes,
                                      Actor actor);
/// All scopes when none is named; what is left.
Task<Result<std::optional<auth::Share>>> revoke_share(Parts& parts,
                                                      auth::SharedServer of,
                                                      auth::Grantee to,
                                                      std::vector<std::string> scopes,
                                                      Actor actor);
/// Nobody has anything of this server any more, and its codes are worth nothing.
Task<Result<void>> revoke_shares_of(Parts& parts, auth::SharedServer of, Actor actor);
/// Before a user is removed.
Task<Result<void>> revoke_shares_of_user(Parts& parts, std::string username);

}  // namespace passerelle::hub
