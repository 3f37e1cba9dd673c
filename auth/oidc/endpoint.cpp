#include "auth/oidc/endpoint.hpp"

#include "auth/json.hpp"

namespace passerelle::auth::oidc {
namespace {

constexpr std::size_t kMostBody = 512U << 10U;
constexpr std::chrono::milliseconds kTimeout{10'000};

}  // namespace

Task<Result<HttpResponse>> ask(HttpClient& http, HttpRequest request, std::string what) {
  request.timeout = kTimeout;
  request.most_body = kMostBody;
  request.headers.emplace_back("Accept", "application/json");
  request.headers.emplace_back("User-Agent", "passerelle");  // GitHub refuses requests without one
  auto response = co_await http.fetch(std::move(request));
  if (!response) co_return Error(Errc::unavailable, what + ": " + response.error().message());
  if (response->status >= 500 || response->status == 429)
    co_return Error(Errc::unavailable, what + ": status " + std::to_string(response->status));
  co_return response;
}

Result<nlohmann::json> object_of(const HttpResponse& response, const std::string& what) {
  auto body = parse_json(response.body, kMostBody);
  if (!body) return Error(Errc::unavailable, what + ": " + body.error().message());
  if (!body->is_object()) return Error(Errc::unavailable, what + ": answered no JSON object");
  return body;
}

std::string_view header_of(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

}  // namespace passerelle::auth::oidc
