// One request to the provider, as all of them are made: bounded in time and size, redirects never
// followed, nothing of its text in our messages.
#pragma once

#include <nlohmann/json.hpp>

#include "base/http_client.hpp"
#include "base/task.hpp"

namespace passerelle::auth::oidc {

/// Fetches, with our limits on time and body. Errc::unavailable when nobody answers, or with a
/// status of 429 or of the 500s. `what` names the endpoint in messages: "token endpoint".
Task<Result<HttpResponse>> ask(HttpClient& http, HttpRequest request, std::string what);

/// The body as a JSON object; Errc::unavailable: it is none.
Result<nlohmann::json> object_of(const HttpResponse& response, const std::string& what);

/// The header's value; empty: it is not there. `name` in lower case.
std::string_view header_of(const HttpResponse& response, std::string_view name);

}  // namespace passerelle::auth::oidc
