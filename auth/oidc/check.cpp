#include "auth/oidc/check.hpp"

#include <algorithm>
#include <ctime>

#include "auth/oidc/endpoint.hpp"

namespace passerelle::auth::oidc {
namespace {

using Level = Finding::Level;

Finding clock_finding(const HttpResponse& response, const Clock& clock, seconds leeway) {
  const auto skew = clock_skew(header_of(response, "date"), clock.now());
  if (!skew) return {Level::good, "clock: the provider tells no date", ""};
  const std::string what = "clock: " + std::to_string(skew->count()) + " s apart";
  if (std::chrono::abs(*skew) * 2 <= leeway) return {Level::good, what, ""};
  const bool fatal = std::chrono::abs(*skew) > leeway;
  return {fatal ? Level::wrong : Level::warning, what,
          "set this machine's clock by NTP, or ask the provider to"};
}

std::string advice_for(const std::string& why) {
  if (why.find("issuer") != std::string::npos)
    return "write the `issuer` exactly as the document has it, also its last slash; if the "
           "provider calls itself by another name from inside, use `discovery_url`";
  if (why.find("certificate") != std::string::npos || why.find("SSL") != std::string::npos)
    return "write `ca_file` with the authority that signs the provider's certificate";
  return "see that this machine reaches the address, by `curl`; a firewall or a proxy may stand "
         "between";
}

Task<Finding> keys_finding(KeySource& keys, std::string url) {
  auto count = co_await keys.fetch_now(url);
  if (!count) co_return Finding{Level::wrong, count.error().message(), advice_for("")};
  const std::string what = "key set: " + std::to_string(*count) + " usable keys at " + url;
  if (*count > 0) co_return Finding{Level::good, what, ""};
  co_return Finding{Level::wrong, what,
                    "let the provider sign with RS256, PS256, ES256 or EdDSA (RSA from 2048 bits)"};
}

}  // namespace

std::optional<seconds> clock_skew(std::string_view date, Instant now) {
  std::tm parts{};
  const std::string text(date);
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return std::nullopt;
  const std::time_t theirs = timegm(&parts);
  return seconds(theirs) - std::chrono::duration_cast<seconds>(now.time_since_epoch());
}

Task<std::vector<Finding>> check_provider(const config::OidcAuthenticator& settings,
                                          Discovery& discovery,
                                          KeySource& keys,
                                          const Clock& clock,
                                          std::string redirect_uri) {
  std::vector<Finding> findings;
  if (!settings.plain_oauth()) {
    const std::string what = "discovery: " + discovery.url();
    auto response = co_await discovery.fetch();
    const auto read = response ? read_discovery(response->body, settings.issuer)
                               : Result<Endpoints>(response.error());
    if (!read) {
      findings.push_back(
          {Level::wrong, what + ": " + read.error().message(), advice_for(read.error().message())});
    } else {
      findings.push_back({Level::good, what, ""});
      findings.push_back(clock_finding(*response, clock, settings.leeway));
      Finding about_keys =
          co_await keys_finding(keys, settings.jwks_url.empty() ? read->jwks : settings.jwks_url);
      findings.push_back(std::move(about_keys));
      if (!read->back_channel_logout)
        findings.push_back({Level::warning, "back-channel logout: not announced by the provider",
                            "who signs out there stays signed in here until the next refresh"});
    }
  }
  findings.push_back({Level::good, "redirect URI, to be registered there: " + redirect_uri, ""});
  co_return findings;
}

}  // namespace passerelle::auth::oidc
