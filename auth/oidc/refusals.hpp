// What people are told when a sign-in does not come to its end, each with its reason code.
#pragma once

#include "auth/authenticator.hpp"
#include "auth/oidc/person.hpp"

namespace passerelle::auth::oidc {

/// The provider does not answer, or not as it should: "provider-unreachable".
ShowForm unreachable(const Error& why);
/// See Flows::take: "state-unknown" or "state-used".
ShowForm wrong_state(const Error& why);
/// What came back proves nothing. Counts as a failed try: somebody may be guessing.
ShowForm not_believed(std::string code, std::string detail);
/// The provider says no by itself (RFC 6749, 4.1.2.1): "declined-<its word for it>".
ShowForm declined(const std::string& error);
/// Of the tokens, or of what was asked with them.
ShowForm refused_token(const Error& why);
/// We know who it is, but the configuration's conditions are not met.
ShowForm unfit(const Unfit& why);

}  // namespace passerelle::auth::oidc
