// Who launches: from the fields of a verified launch to an identity, groups, and what is kept for
// spawners and grades. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"
#include "auth/lti11/launch.hpp"

namespace passerelle::auth::lti11 {

/// "key/user_id", each part with "/", "%" and what does not print escaped. The only thing that
/// makes two launches the same person: names and mail addresses are the course author's to write.
std::string subject_of(std::string_view consumer, std::string_view user_id);
/// The consumer key of such a subject.
std::string consumer_of(std::string_view subject);

/// Whether one of the context's roles says "teaches here". Roles on the platform or its
/// institution say nothing of the course.
bool teaches(std::string_view roles);

/// `name`: the authenticator's. `groups`: what everybody gets who signs in there.
Identity identity_of(const Launch& launch,
                     const std::string& name,
                     const std::vector<std::string>& groups);

/// All fields but OAuth's, and "consumer_key"; those longer than 4 KiB are left out.
AuthState state_of(const Launch& launch);

/// Where the launch wants to go: custom_next, custom_target, then next or target of the query.
/// Empty unless it is on `origin`.
std::string next_of(const Launch& launch, std::string_view origin);
/// custom_profile, or profile of the query.
std::string profile_of(const Launch& launch);

}  // namespace passerelle::auth::lti11
