#include "auth/lti13/description.hpp"

#include <nlohmann/json.hpp>

namespace passerelle::auth::lti13 {

using Json = nlohmann::json;

std::string description(const std::string& title, const std::string& below) {
  const std::string launch = below + "oauth_callback";
  const auto placement = [&](const char* where, const char* message) {
    return Json{{"placement", where}, {"message_type", message}, {"target_link_uri", launch}};
  };
  const Json canvas = {
      {"platform", "canvas.instructure.com"},
      {"privacy_level", "public"},
      {"settings",
       {{"text", title},
        {"placements",
         Json::array({placement("link_selection", "LtiDeepLinkingRequest"),
                      placement("assignment_selection", "LtiDeepLinkingRequest")})}}}};
  const Json all = {{"title", title},
                    {"description", title},
                    {"oidc_initiation_url", below + "oauth_login"},
                    {"target_link_uri", launch},
                    {"redirect_uris", Json::array({launch})},
                    {"public_jwk_url", below + "jwks.json"},
                    {"scopes", kServiceScopes},
                    {"custom_fields", Json::object()},
                    {"extensions", Json::array({canvas})}};
  return all.dump(2) + "\n";
}

}  // namespace passerelle::auth::lti13
