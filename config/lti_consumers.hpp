// The file of LTI consumers: which platforms may launch here, with what secret, and what we grant
// them. A file of its own because it grows with every course, and the gateway reads it again when
// it changes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/lti_grants.hpp"
#include "config/secret.hpp"

namespace passerelle::config {

struct LtiConsumer : LtiGrants {
  Secret secret;
  std::vector<std::string> outcome_hosts;      ///< Hosts that may take grades.
  std::vector<std::string> signature_methods;  ///< Empty: HMAC-SHA1 and HMAC-SHA256.
};

/// By consumer key.
using LtiConsumers = std::map<std::string, LtiConsumer, std::less<>>;

/// Errc::invalid holds every problem of the file, one a line as "file:line:column: what"; never a
/// secret. Blocking.
Result<LtiConsumers> read_lti_consumers(const std::string& path);
/// The same for a text. `file` names it; secret files are looked for beside it.
Result<LtiConsumers> parse_lti_consumers(std::string_view text, const std::string& file);

}  // namespace passerelle::config
