// The platform's answer: is it for the flow that this browser began, signed by the platform, for
// us, fresh, and a message that we know? LTI 1.3 Core; LTI Security Framework 5.1.3; OpenID Connect
// Core 3.1.3.7.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "auth/jwks.hpp"
#include "auth/lti_refusal.hpp"
#include "config/lti_platforms.hpp"

namespace passerelle::auth::lti13 {

inline constexpr const char* kClaim = "https://purl.imsglobal.org/spec/lti/claim/";
inline constexpr const char* kResourceLink = "LtiResourceLinkRequest";
inline constexpr const char* kDeepLinking = "LtiDeepLinkingRequest";

/// The member "https://purl.imsglobal.org/spec/lti/claim/<name>"; null if there is none.
const nlohmann::json& claim(const nlohmann::json& claims, const std::string& name);

struct Expected {
  std::string state;  ///< Of the flow.
  std::string nonce;
  Instant now{};
  seconds leeway{60};
  seconds max_age{600};
};

using Verdict = std::variant<nlohmann::json, lti::Refusal>;

/// What the claims must say. Pure. Their signature is verified already.
Verdict check_claims(nlohmann::json claims,
                     const config::LtiPlatform& platform,
                     const Expected& expected);

/// The whole answer: `form` is what the browser posted. A state counts once, whatever comes of it:
/// it is used up in `nonces` below `scope` before anything else is looked at. An Error: the store
/// could not tell.
Task<Result<Verdict>> verify(const text::Form& form,
                             const config::LtiPlatform& platform,
                             const Expected& expected,
                             KeySource& keys,
                             store::NonceStore& nonces,
                             std::string scope);

}  // namespace passerelle::auth::lti13
