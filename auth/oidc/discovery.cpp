#include "auth/oidc/discovery.hpp"

#include "auth/json.hpp"
#include "auth/oidc/endpoint.hpp"
#include "base/log.hpp"

namespace passerelle::auth::oidc {
namespace {

constexpr seconds kLasts{24 * 3600};
constexpr seconds kRetry{60};  // after a renewal that failed
constexpr std::size_t kMostDocument = 256U << 10U;

}  // namespace

Result<Endpoints> read_discovery(std::string_view json, const std::string& issuer) {
  auto document = parse_json(json, kMostDocument);
  if (!document) return std::move(document).error().within("discovery document");
  Endpoints found;
  found.issuer = text_member(*document, "issuer");
  if (found.issuer != issuer)
    return Error(Errc::invalid, "discovery document: its issuer is \"" +
                                    found.issuer.substr(0, 200) + "\", not \"" + issuer + "\"");
  const std::pair<const char*, std::string*> members[] = {
      {"authorization_endpoint", &found.authorize},
      {"token_endpoint", &found.token},
      {"userinfo_endpoint", &found.userinfo},
      {"jwks_uri", &found.jwks},
      {"end_session_endpoint", &found.end_session}};
  for (const auto& [name, slot] : members) {
    *slot = text_member(*document, name);
    if (!slot->empty() && !config::is_provider_url(*slot))
      return Error(Errc::invalid, std::string("discovery document: ") + name + " is not https");
  }
  if (found.authorize.empty() || found.token.empty() || found.jwks.empty())
    return Error(Errc::invalid, "discovery document: an endpoint is missing");
  if (document->contains("token_endpoint_auth_methods_supported"))
    for (const auto& method : (*document)["token_endpoint_auth_methods_supported"])
      if (method.is_string()) found.client_auth.push_back(method.get<std::string>());
  const auto announces = [&](const char* name) {
    return document->contains(name) && (*document)[name] == true;
  };
  found.names_itself = announces("authorization_response_iss_parameter_supported");
  found.back_channel_logout = announces("backchannel_logout_supported");
  return found;
}

Discovery::Discovery(const config::OidcAuthenticator& settings,
                     HttpClient& http,
                     const Clock& clock)
    : settings_(settings), http_(http), clock_(clock) {
  if (!settings.plain_oauth()) return;
  Endpoints endpoints;
  put_configured(endpoints);
  known_ = std::make_shared<const Endpoints>(std::move(endpoints));
}

void Discovery::put_configured(Endpoints& endpoints) const {
  const auto put = [](std::string& slot, const std::string& written) {
    if (!written.empty()) slot = written;
  };
  put(endpoints.authorize, settings_.authorize_url);
  put(endpoints.token, settings_.token_url);
  put(endpoints.userinfo, settings_.userinfo_url);
  put(endpoints.jwks, settings_.jwks_url);
  put(endpoints.end_session, settings_.end_session_url);
}

std::string Discovery::url() const {
  if (!settings_.discovery_url.empty()) return settings_.discovery_url;
  const bool slash = settings_.issuer.ends_with('/');
  return settings_.issuer + (slash ? "" : "/") + ".well-known/openid-configuration";
}

Task<Result<HttpResponse>> Discovery::fetch() {
  HttpRequest request;
  request.url = url();
  request.ca_file = settings_.ca_file;
  auto response = co_await ask(http_, std::move(request), "discovery");
  if (response && response->status != 200)
    co_return Error(Errc::unavailable, "discovery: status " + std::to_string(response->status));
  co_return response;
}

Task<Result<std::shared_ptr<const Endpoints>>> Discovery::renew() {
  auto response = co_await fetch();
  if (!response) co_return std::move(response).error();
  auto read = read_discovery(response->body, settings_.issuer);
  if (!read) co_return Error(Errc::unavailable, read.error().message());
  put_configured(*read);
  co_return std::make_shared<const Endpoints>(std::move(*read));
}

Task<Result<std::shared_ptr<const Endpoints>>> Discovery::endpoints() {
  if (known_ && (settings_.plain_oauth() || clock_.now() < good_until_)) co_return known_;
  const auto start = [this] { return renew(); };
  auto found = co_await flight_.join(start);
  if (found) {
    known_ = *found;
    good_until_ = clock_.now() + kLasts;
    co_return known_;
  }
  log::warn("auth", "a provider's discovery document could not be read",
            {{"url", url()}, {"why", found.error().message()}});
  if (!known_) co_return std::move(found).error();
  good_until_ = clock_.now() + kRetry;
  co_return known_;
}

}  // namespace passerelle::auth::oidc
