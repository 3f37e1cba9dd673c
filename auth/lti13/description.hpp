// What a platform must know of us, as the JSON that platforms import (Canvas and others).
#pragma once

#include <string>

namespace passerelle::auth::lti13 {

/// `title`: what teachers see. `below`: our address with the path that launches come to, such as
/// "https://hub.example.org/hub/lti13/".
std::string description(const std::string& title, const std::string& below);

/// What we ask platforms for: to send scores, nothing account-wide.
inline constexpr const char* kServiceScopes[] = {
    "https://purl.imsglobal.org/spec/lti-ags/scope/score"};

}  // namespace passerelle::auth::lti13
