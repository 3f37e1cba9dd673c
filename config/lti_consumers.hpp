// The file of LTI consumers: which platforms may launch here, with what secret, and what we grant
// them. A file of its own because it grows with every course, and the gateway reads it again when
// it changes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/secret.hpp"

namespace passerelle::config {

struct LtiConsumer {
  Secret secret;
  std::vector<std::string> groups;             ///< Everybody who comes from there.
  std::vector<std::string> instructor_groups;  ///< Who teaches there, as well.
  /// The launch field that usernames are made of; empty: the first readable one.
  std::string username;
  std::optional<std::string> prefix;           ///< Of usernames; none: the authenticator's name.
  std::vector<std::string> frame_origins;      ///< "https://courses.example.org"
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
