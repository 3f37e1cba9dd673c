// The file of LTI 1.3 platforms: who may launch here, at which addresses they are found, and what
// we grant them. A file of its own because the gateway reads it again when it changes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/lti_grants.hpp"

namespace passerelle::config {

struct LtiPlatform : LtiGrants {
  std::string issuer;          ///< Exactly as the platform writes itself.
  std::string client_id;       ///< What the platform calls us.
  std::string auth_url;        ///< Where browsers are sent to get an id_token.
  std::string token_url;       ///< Where we get tokens for its services; empty: it has none.
  std::string jwks_url;        ///< Its keys.
  std::string token_audience;  ///< `aud` when we ask for a token; empty: token_url.
  std::vector<std::string> deployments;  ///< Accepted ones; "*" accepts all.
  /// Hosts that may be asked and told things besides those of the addresses above.
  std::vector<std::string> service_hosts;
};

/// By the operators' own short name, which groups are made of. No two with the same issuer and
/// client_id.
using LtiPlatforms = std::map<std::string, LtiPlatform, std::less<>>;

/// Errc::invalid holds every problem of the file, one a line as "file:line:column: what". Blocking.
Result<LtiPlatforms> read_lti_platforms(const std::string& path);
/// The same for a text. `file` names it.
Result<LtiPlatforms> parse_lti_platforms(std::string_view text, const std::string& file);

}  // namespace passerelle::config
