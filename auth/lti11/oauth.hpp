// OAuth 1.0a signatures with a shared secret and no token, on bytes as they arrived (RFC 5849,
// 3.4). HMAC-SHA256 is what IMS adds to it. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/text.hpp"

namespace passerelle::auth::lti11 {

/// What is signed as the address: scheme and host in lower case, without the port that the scheme
/// has by itself, the path as it was sent, no query (RFC 5849, 3.4.1.2). `origin`:
/// "https://Hub.example.org:443".
std::string base_uri(std::string_view origin, std::string_view path);

/// RFC 5849, 3.4.1. `parameters`: all of query and body, decoded, in any order, names may repeat;
/// only "oauth_signature" is left out here.
std::string base_string(std::string_view method,
                        std::string_view base_uri,
                        const text::Form& parameters);

enum class Method { hmac_sha1, hmac_sha256 };

/// Base64, with padding. RFC 5849, 3.4.2; the secret is percent-encoded here.
std::string sign(Method method, std::string_view base_string, std::string_view secret);

}  // namespace passerelle::auth::lti11
