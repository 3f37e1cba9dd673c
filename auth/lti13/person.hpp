// Who launches with LTI 1.3, and what: from verified claims to an identity, what is kept for
// spawners, the activity, and where the launch wants to go. Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "auth/lti_person.hpp"
#include "config/lti_platforms.hpp"
#include "store/activities.hpp"

namespace passerelle::auth::lti13 {

/// `name`: the operators' name of the platform. The subject is made of the issuer: two platforms
/// entries with one issuer know the same people.
lti::Person person_of(const nlohmann::json& claims,
                      const std::string& name,
                      const config::LtiPlatform& platform);

/// The claims under the names that LTI 1.1 has for them ("context_title"), so that a profile need
/// not know which of the two a course speaks; and "platform", "issuer", "deployment_id".
AuthState state_of(const nlohmann::json& claims, const std::string& name);

/// None: the launch is of no activity. A grade is taken for it if the platform offers its score
/// service (LTI-AGS 2.0).
std::optional<store::Activity> activity_of(const nlohmann::json& claims,
                                           const lti::Person& person,
                                           const std::string& authenticator);

/// custom.next, custom.target, then the path of target_link_uri; empty unless it is on `origin`,
/// and where it is only the place that launches come to.
std::string next_of(const nlohmann::json& claims, std::string_view origin);
/// custom.profile, or profile of target_link_uri's query.
std::string profile_of(const nlohmann::json& claims);

}  // namespace passerelle::auth::lti13
