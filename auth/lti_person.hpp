// Who comes from a learning platform, whatever it speaks: from what a verified launch says to an
// identity and groups. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"
#include "config/lti_grants.hpp"

namespace passerelle::auth::lti {

/// What a launch says of its person. Platforms vouch for `user_id` alone; names and mail addresses
/// are a course author's to write.
struct Person {
  std::string subject;                ///< subject_of()
  std::string user_id;                ///< The platform's own id.
  std::vector<std::string> readable;  ///< What a username may be made of, best first.
  std::string full_name;
  std::string given_name;
  std::string family_name;
  bool teaches = false;
  std::string platform;  ///< Short: stands in the groups.
  std::string context;   ///< The course's id; empty: none.
};

/// "platform/user_id", each part with "/", "%" and what does not print escaped.
std::string subject_of(std::string_view platform, std::string_view user_id);
/// The platform of such a subject.
std::string platform_of(std::string_view subject);

/// "lti/platform/context/learner"; empty when there is no context, or no group can be named so.
std::string course_group(std::string_view platform, std::string_view context, bool teaches);

/// Whether one of the roles of the context says "teaches here": "Instructor", a URN of LTI 1.1 or a
/// URI of LTI 1.3. Roles on the platform or its institution say nothing of the course.
bool teaches(const std::vector<std::string>& roles);

/// `name`: the authenticator's. `groups`: what everybody gets who signs in there.
Identity identity_of(const Person& person,
                     const config::LtiGrants& grants,
                     const std::string& name,
                     const std::vector<std::string>& groups);

/// Where a launch wants to go, if that is on `origin`; else empty.
std::string next_on(std::string_view wanted, std::string_view origin);

}  // namespace passerelle::auth::lti
