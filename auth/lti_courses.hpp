// What sign-in methods can do besides sign-ins whose platforms have services (LTI 1.3): tell who is
// in a course, and let a platform register itself. Found by dynamic_cast from an Authenticator.
#pragma once

#include <string>
#include <vector>

#include "auth/authenticator.hpp"

namespace passerelle::auth::lti {

/// Somebody of a course, in the platform's words (LTI-NRPS 2.0).
struct Member {
  std::string user_id;
  std::string name;   ///< May be empty.
  std::string email;  ///< May be empty.
  bool teaches = false;
  bool active = true;
};

/// A platform that registered itself.
struct Registered {
  std::string name;  ///< As `platforms` of the configuration would call it; stands in groups.
  std::string issuer;
  std::string client_id;
  std::vector<std::string> deployments;
  Instant at{};
};

/// The hub's loop only.
class Courses {
 public:
  virtual ~Courses() = default;

  /// Reads what was kept; once, before the first session is looked at.
  virtual Task<Result<void>> open_courses() = 0;

  /// Who is in the course, as the platform tells now. Errc::not_found: it told no address for that;
  /// Errc::forbidden: it refuses us, or is not to be asked; Errc::unavailable: it does not answer.
  virtual Task<Result<std::vector<Member>>> roster(std::string platform, std::string context) = 0;

  /// What an administrator of a platform shows us (enrol()'s field `invitation`): good once, for a
  /// day, and for a platform whose addresses are all at `hosts` ("moodle.example.fr").
  virtual std::string invitation(std::vector<std::string> hosts) = 0;
  /// The platform opened that address in its administrator's browser. `query`: with
  /// openid_configuration and registration_token. `below`: our address that launches come to
  /// ("https://hub/hub/lti13/"). The platform's name; Errc::forbidden: the invitation is not good
  /// (for that); Errc::unavailable: the platform did not do its part.
  virtual Task<Result<std::string>> enrol(text::Form query, std::string below) = 0;
  virtual std::vector<Registered> registered() const = 0;
  /// People from there cannot come in any more. Absent is success.
  virtual Task<Result<void>> withdraw(std::string platform) = 0;
};

}  // namespace passerelle::auth::lti
