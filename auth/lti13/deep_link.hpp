// Deep linking (LTI-DL 2.0): a teacher picks here what an activity of the course shall open, and
// the platform gets the answer through their browser, signed by us.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "auth/authenticator.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth::lti13 {

/// A request that a teacher is answering; carried, sealed, by the page they answer on.
struct ContentRequest {
  std::string platform;  ///< The operators' name of it.
  std::string deployment;
  std::string return_url;
  std::string data;  ///< The platform's own; goes back as it came.
  Instant asked{};
};

/// From verified claims of an LtiDeepLinkingRequest.
ContentRequest content_request(const nlohmann::json& claims,
                               const std::string& platform,
                               Instant now);
/// None: it takes no links to activities.
bool takes_links(const nlohmann::json& claims);

std::string seal(const ContentRequest& request, const secrets::Sealer& sealer);
/// None: not ours, or older than an hour.
std::optional<ContentRequest> open(std::string_view sealed,
                                   const secrets::Sealer& sealer,
                                   Instant now);

/// What the teacher chose, as the page posts it.
struct Choice {
  std::string title;
  std::string profile;
  std::string next;        ///< What to open, on our site; empty: the profile's own page.
  std::string repository;  ///< https address of a git repository; empty: none.
  std::string branch;
  double maximum = 0;  ///< Points; 0: it is not graded.
};
/// Errc::invalid names the field that is wrong.
Result<Choice> read_choice(const text::Form& form);

/// The claims of the answer. `client_id` and `issuer`: of the platform's registration.
nlohmann::json answer_of(const ContentRequest& request,
                         const Choice& choice,
                         const std::string& client_id,
                         const std::string& issuer,
                         const std::string& launch_url,
                         Instant now);

}  // namespace passerelle::auth::lti13
