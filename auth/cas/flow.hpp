// Flows: a sign-in between our redirect to the CAS server and the way back. Each lives in a cookie
// of its own in the browser that began it and nowhere else, so that nobody can finish what another
// browser began (login CSRF), two tabs do not disturb each other, and flows that nobody finishes
// cost us nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/authenticator.hpp"

namespace passerelle::auth::cas {

inline constexpr seconds kFlowLasts{600};     ///< So long may a person take to sign in over there.
inline constexpr std::size_t kMostFlows = 5;  ///< Of one browser; the oldest is forgotten.

struct BegunFlow {
  std::string state;  ///< Goes through the CAS server in our address; unguessable.
  OwnCookies set_cookies;
};

/// `cookies`: those that the browser has of us. A `next` longer than 1500 bytes is forgotten.
BegunFlow begin_flow(std::string_view next, const AuthRequest& request, Instant now);

struct FoundFlow {
  std::string next;
  OwnCookies set_cookies;  ///< Ends it.
};

/// Nothing if this browser did not begin it, or too long ago.
std::optional<FoundFlow> find_flow(std::string_view state, const AuthRequest& request, Instant now);

}  // namespace passerelle::auth::cas
