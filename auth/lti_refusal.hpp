// Launches that are refused: a stable code for people, the reason for the operators.
#pragma once

#include <string>
#include <string_view>

#include "auth/authenticator.hpp"

namespace passerelle::auth::lti {

struct Refusal {
  std::string code;    ///< "LTI-SIG": stable, shown to people
  std::string detail;  ///< For the operators; no secret, no signature.
};

/// The page: message "sign-in.lti.sig" for "LTI-SIG". `shown`: who sent it, for the audit.
ShowForm refused(const Refusal& why, std::string_view shown);
/// For who comes without a launch.
ShowForm open_from_course();

}  // namespace passerelle::auth::lti
