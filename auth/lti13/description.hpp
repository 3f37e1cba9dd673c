// What a platform must know of us, as the JSON that platforms import (Canvas and others).
#pragma once

#include <string>

namespace passerelle::auth::lti13 {

/// `title`: what teachers see. `below`: our address with the path that launches come to, such as
/// "https://hub.example.org/hub/lti13/".
std::string description(const std::string& title, const std::string& below);

inline constexpr const char* kScoreScope = "https://purl.imsglobal.org/spec/lti-ags/scope/score";
inline constexpr const char* kLineItemScope =
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem";
inline constexpr const char* kRosterScope =
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly";
/// What we ask platforms for: to send scores, to make a place for them, and to see who is in a
/// course; nothing account-wide.
inline constexpr const char* kServiceScopes[] = {kScoreScope, kLineItemScope, kRosterScope};

}  // namespace passerelle::auth::lti13
