// From claims to a person: name, groups, and whether the configuration's own conditions let them
// through. Pure functions.
#pragma once

#include <nlohmann/json.hpp>

#include "auth/authenticator.hpp"
#include "config/authenticators/oidc.hpp"

namespace passerelle::auth::oidc {

/// All that is known of somebody. What is signed decides who they are and what lets them in.
struct Claims {
  nlohmann::json signed_ones;  ///< The id_token's; with plain OAuth the userinfo answer.
  nlohmann::json all;          ///< With the userinfo answer over them.
};
Claims merged(nlohmann::json id_token, const nlohmann::json& userinfo);

struct Described {
  Identity identity;
  std::map<std::string, std::vector<std::string>> attributes;
};

/// Why somebody is not let through: ShowForm::code.
struct Unfit {
  std::string code;
  std::string detail;  ///< For the log.
};

/// `more_groups`: those that were looked up elsewhere (GitHub).
std::variant<Described, Unfit> describe(const config::Authenticator& authenticator,
                                        const config::OidcAuthenticator& settings,
                                        const Claims& claims,
                                        const std::vector<std::string>& more_groups);

}  // namespace passerelle::auth::oidc
