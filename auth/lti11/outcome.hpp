// Grades that go back to the platform (LTI 1.1 Basic Outcomes): an XML envelope, signed over its
// body hash (OAuth Request Body Hash 1.0) with the consumer's secret. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "auth/authenticator.hpp"
#include "base/http_client.hpp"
#include "config/lti_consumers.hpp"
#include "store/activities.hpp"

namespace passerelle::auth::lti11 {

/// The envelope of a replaceResult. `message_id`: unique; `sourced_id`: the platform's own, sent
/// back as it came; `result`: 0.0 to 1.0.
std::string replace_result(std::string_view message_id, std::string_view sourced_id, double result);

struct Stamp {
  std::string nonce;
  std::string timestamp;
};
/// The value of the Authorization header for a POST of `body` to `url`.
std::string authorization(std::string_view url,
                          std::string_view body,
                          std::string_view consumer,
                          const config::LtiConsumer& settings,
                          const Stamp& stamp);

/// The whole request for the score of a row.
HttpRequest outcome_request(const store::ActivityRow& row,
                            const config::LtiConsumer& settings,
                            const Stamp& stamp);

/// What the answer's envelope says; platforms answer failures with status 200 too.
Delivered read_outcome(int status, std::string_view body);

}  // namespace passerelle::auth::lti11
