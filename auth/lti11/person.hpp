// Who launches: from the fields of a verified launch to an identity, groups, and what is kept for
// spawners and grades. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"
#include "auth/lti11/launch.hpp"

namespace passerelle::auth::lti11 {

/// Whether one of the context's roles says "teaches here". Roles on the platform or its
/// institution say nothing of the course.
bool teaches(std::string_view roles);

/// `name`: the authenticator's. `groups`: what everybody gets who signs in there.
Identity identity_of(const Launch& launch,
                     const std::string& name,
                     const std::vector<std::string>& groups);

/// None: the launch names no activity that could be kept. `name`: the authenticator's.
std::optional<store::Activity> activity_of(const Launch& launch, const std::string& name);

/// All fields but OAuth's, and "consumer_key"; those longer than 4 KiB are left out.
AuthState state_of(const Launch& launch);

/// Where the launch wants to go: custom_next, custom_target, then next or target of the query.
/// Empty unless it is on `origin`.
std::string next_of(const Launch& launch, std::string_view origin);
/// custom_profile, or profile of the query.
std::string profile_of(const Launch& launch);

}  // namespace passerelle::auth::lti11
