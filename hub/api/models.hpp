// Models: users, servers and tokens as JupyterHub's REST API shows them (docs: rest-api.yml of
// JupyterHub 5).
#pragma once

#include "hub/answers.hpp"
#include "hub/parts.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::api {

/// An active server by its parts; a stopped one only as far as it is asked for.
Json server_model(const Parts& parts, const Server& server);
/// `servers` holds the active ones.
Json user_model(const Parts& parts, const store::User& user, bool admin);
Json token_model(const auth::TokenView& token);

/// {"detail"...} of an Error in JupyterHub's error shape, with our cause.
proxy::HubResponse refuse(const Error& error);

}  // namespace passerelle::hub::api
