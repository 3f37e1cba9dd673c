// Models: users, servers and tokens as JupyterHub's REST API shows them (docs: rest-api.yml of
// JupyterHub 5).
#pragma once

#include "hub/answers.hpp"
#include "hub/parts.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::api {

/// An active server by its parts; a stopped one only as far as it is asked for.
Json server_model(const Parts& parts, const Server& server);
/// What `who` may see of a user. `servers` holds the active ones, and `stopped` too if it is set;
/// empty if they may not even know the name.
Json user_model(const Parts& parts,
                const auth::Principal& who,
                const store::User& user,
                bool stopped = false);
Json token_model(const auth::TokenView& token);
/// Whether they are an administrator by now.
bool is_admin(const Parts& parts, const store::User& user);
/// Who is in which group, as far as `who` has scopes that rest on it.
Task<Result<auth::Membership>> members_for(Parts& parts, auth::Principal who);

/// {"detail"...} of an Error in JupyterHub's error shape, with our cause.
proxy::HubResponse refuse(const Error& error);

}  // namespace passerelle::hub::api
