// People: what administrators do with accounts, from the API and from the command line: block,
// link, sign out. Each acts at once and is written to the audit log.
#pragma once

#include "hub/parts.hpp"

namespace passerelle::hub {

/// Who does it, for the audit log.
struct Actor {
  std::string name;  ///< Username, or "command" for who may read data_dir.
  std::string peer;
};

/// Keeps them out from now on: sessions end, tokens rest, with access.block_stops_servers servers
/// stop.
Task<Result<void>> block(Parts& parts, store::User user, Actor actor);
/// They may sign in again, and their tokens work again, if the configuration lets them.
Task<Result<void>> unblock(Parts& parts, store::User user, Actor actor);

/// From now on who signs in as `identity` ("authenticator:subject") is `user`. Errc::invalid for an
/// authenticator that is not configured, Errc::conflict when it is somebody already: two accounts
/// never become one by themselves.
Task<Result<void>> link_identity(Parts& parts, store::User user, std::string identity, Actor actor);
Task<Result<void>> unlink_identity(Parts& parts,
                                   store::User user,
                                   std::string identity,
                                   Actor actor);

/// All sessions of theirs end; how many there were.
Task<Result<std::size_t>> sign_out_everywhere(Parts& parts, store::User user, Actor actor);

/// Every identity that is this user: their own first. [{"authenticator", "subject", "own",
/// "linked"}]
Task<Result<nlohmann::json>> identities_of(Parts& parts, store::User user);

/// One command of `passerelle user` as it came over the control socket ("block alice", words
/// percent-encoded): lines for a person, the first of which begins with "error: " if it was not
/// done.
Task<std::string> user_command(Parts& parts, std::string words);

}  // namespace passerelle::hub
