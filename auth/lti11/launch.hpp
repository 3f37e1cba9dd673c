// One launch: is it signed by a consumer we know, fresh, and what we can use? Everything but
// whether its nonce was used before, which only the store knows. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/lti_refusal.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "config/lti_consumers.hpp"

namespace passerelle::auth::lti11 {

/// A request that may be a launch.
struct Incoming {
  std::string method;
  text::Form query;
  text::Form form;
  std::string origin;  ///< As browsers see us; what must have been signed.
  std::string path;
  std::vector<std::string> other_origins;  ///< Tried for the log only.
};

/// The signature is good; the nonce is still to be used up.
struct Launch {
  std::string consumer;
  std::string user_id;  ///< Printable UTF-8, at most 255 bytes.
  std::string nonce;
  Instant signed_at{};
  text::Form fields;                              ///< Query and body, in order.
  const config::LtiConsumer* settings = nullptr;  ///< Of the table that was given.
};

using lti::Refusal;

/// The only value of a field, or the first of several equal ones; empty if there is none. Of
/// differing ones nothing: which of them counts nobody can tell.
std::string_view only_field(const text::Form& fields, std::string_view name) noexcept;

/// Either a launch, or why not. `window`: how far its time may be from `now`.
std::variant<Launch, Refusal> verify(const Incoming& request,
                                     const config::LtiConsumers& consumers,
                                     Instant now,
                                     seconds window);

}  // namespace passerelle::auth::lti11
