// The platform's services: a token for what we may ask (OAuth 2.0 client credentials with a signed
// assertion, RFC 7523; LTI Security Framework 4.1), and scores (LTI-AGS 2.0).
#pragma once

#include <map>
#include <string>

#include "auth/lti13/tool_keys.hpp"
#include "auth/lti_services.hpp"
#include "config/lti_platforms.hpp"
#include "store/activities.hpp"

namespace passerelle::auth::lti13 {

/// Where scores of a line item go: "/scores" behind its path, its query kept behind that.
std::string scores_url(std::string_view line_item);

/// The hub's loop only.
class Services {
 public:
  Services(const Surroundings& around, ToolKeys& keys, std::string ca_file)
      : around_(around), keys_(keys), ca_file_(std::move(ca_file)) {}

  Task<Delivered> send_score(const config::LtiPlatform& platform, store::ActivityRow row);
  /// With a token for `scope`. Any status is a value; Errc::forbidden: the address is none of the
  /// platform's, or it gives us no token; Errc::unavailable: it does not answer.
  Task<Result<HttpResponse>> call(const config::LtiPlatform& platform,
                                  std::string scope,
                                  HttpRequest request);

 private:
  struct Token {
    std::string value;
    Instant until{};
  };
  Task<Result<std::string>> token(const config::LtiPlatform& platform, std::string scope);
  void forget_token(const config::LtiPlatform& platform, std::string_view scope);
  Task<Result<std::string>> assertion(const config::LtiPlatform& platform);

  const Surroundings& around_;
  ToolKeys& keys_;
  std::string ca_file_;
  std::map<std::string, Token> tokens_;  // by issuer, client and scope
};

}  // namespace passerelle::auth::lti13
