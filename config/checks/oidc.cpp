#include "config/checks/oidc.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "config/values.hpp"

namespace passerelle::config {
namespace {

class OidcChecks {
 public:
  OidcChecks(const OidcAuthenticator& written,
             const std::string& path,
             const Marks& marks,
             Problems& problems)
      : written_(written), oidc_(written), path_(path), marks_(marks), problems_(problems) {
    apply_preset(oidc_);
  }

  void run() {
    provider();
    addresses();
    client();
    preset_keys();
    requests();
    people();
  }

 private:
  void error(const std::string& key, const std::string& why) {
    const std::string at = path_ + "." + key;
    problems_.error(marks_.of(at), at + ": " + why);
  }

  void provider() {
    if (oidc_.preset == "entra" && oidc_.issuer.empty())
      return error("tenant", "is missing; write your tenant's id");
    if (!oidc_.issuer.empty()) return;
    const bool oauth =
        !oidc_.authorize_url.empty() && !oidc_.token_url.empty() && !oidc_.userinfo_url.empty();
    if (!oauth)
      return error("issuer",
                   "is missing; write the provider's issuer, or for OAuth 2.0 without OpenID "
                   "Connect `authorize_url`, `token_url` and `userinfo_url`");
    if (oidc_.subject_claim.empty())
      error("subject_claim",
            "is missing; write the member of the userinfo answer that never changes, for example "
            "`id`");
    for (const auto& [key, written] :
         {std::pair{"acr", !oidc_.acr.empty()}, std::pair{"amr", !oidc_.amr.empty()},
          std::pair{"max_age", oidc_.max_age.count() != 0},
          std::pair{"hosted_domain", !oidc_.hosted_domain.empty()},
          std::pair{"identity_providers", !oidc_.identity_providers.empty()}})
      if (written)
        error(key,
              "needs a signed claim, which OAuth 2.0 without OpenID Connect has not; remove it");
  }

  void addresses() {
    const std::pair<const char*, const std::string*> urls[] = {
        {"issuer", &written_.issuer},
        {"discovery_url", &written_.discovery_url},
        {"authorize_url", &written_.authorize_url},
        {"token_url", &written_.token_url},
        {"userinfo_url", &written_.userinfo_url},
        {"jwks_url", &written_.jwks_url},
        {"end_session_url", &written_.end_session_url}};
    for (const auto& [key, url] : urls)
      if (!url->empty() && !is_provider_url(*url))
        error(key, shown(*url) +
                       " cannot be used; write an address that begins with `https://` (`http://` "
                       "only for this machine)");
    const std::string& tenant = oidc_.tenant;
    if (tenant == "common" || tenant == "organizations" || tenant == "consumers")
      error("tenant", "would let in people of every organisation; write your tenant's id");
  }

  void client() {
    const std::string& way = oidc_.client_auth;
    const bool secret = !oidc_.client_secret.empty();
    const bool key = !oidc_.client_key.empty();
    if ((way == "basic" || way == "post") && !secret)
      error("client_auth", "needs a secret; write `client_secret_file`");
    if (way == "private_key_jwt" && !key) error("client_auth", "needs a key; write `client_key`");
    if (secret && (key || way == "none" || way == "private_key_jwt"))
      error("client_secret", "is not used with this way to prove who we are; remove one of them");
    if (key && way != "auto" && way != "private_key_jwt")
      error("client_key", "is not used with `client_auth: " + way + "`; remove one of them");
  }

  // A restriction that nobody checks would let everybody in (GHSA-384w-5v3f-q499).
  void preset_keys() {
    const std::string& preset = oidc_.preset;
    const auto only = [&](const char* key, bool there, const char* home) {
      if (there && preset != home)
        error(key, std::string("has a meaning with `preset: ") + home +
                       "` only; remove it, or write that preset");
    };
    only("tenant", !oidc_.tenant.empty(), "entra");
    only("organizations", !oidc_.organizations.empty(), "github");
    only("teams", !oidc_.teams.empty(), "github");
    for (const std::string& team : oidc_.teams)
      if (std::count(team.begin(), team.end(), '/') != 1)
        error("teams", shown(team) + " is no team; write `organization/team`");
  }

  void requests() {
    static const std::set<std::string_view> kOurs = {
        "client_id",   "client_secret", "code_challenge", "code_challenge_method",
        "nonce",       "prompt",        "redirect_uri",   "request",
        "request_uri", "response_mode", "response_type",  "scope",
        "state",       "max_age",       "acr_values",     "id_token_hint"};
    for (const auto& [name, value] : written_.authorize_parameters)
      if (kOurs.contains(name))
        error("authorize_parameters", "`" + name + "` is ours; remove it, or write the key for it");
    const bool openid =
        std::find(oidc_.scope.begin(), oidc_.scope.end(), "openid") != oidc_.scope.end();
    if (!oidc_.plain_oauth() && !openid)
      error("scope", "has no `openid`, without which nothing is signed; write it");
    for (const std::string& one : oidc_.scope)
      if (one.find_first_of(" \"\\") != std::string::npos)
        error("scope", shown(one) + " is no scope; write one word for each item");
    static const std::set<std::string_view> kAlgorithms = {"RS256", "PS256", "ES256", "EdDSA"};
    for (const std::string& one : oidc_.algorithms)
      if (!kAlgorithms.contains(one))
        error("algorithms", shown(one) + " is not known here; write RS256, PS256, ES256 or EdDSA");
  }

  void people() {
    std::set<std::string_view> ids;
    std::set<std::string_view> prefixes;
    for (const IdentityProvider& one : oidc_.identity_providers) {
      if (!one.id.empty() && !ids.insert(one.id).second)
        error("identity_providers", shown(one.id) + " stands there twice; remove one");
      if (!one.prefix.empty() && !prefixes.insert(one.prefix).second)
        error("identity_providers",
              shown(one.prefix) + " is the prefix of two of them; write another one");
    }
    for (const std::string& domain : oidc_.email_domains)
      if (domain.find_first_of("@*/ ") != std::string::npos || domain.starts_with('.') ||
          domain.find('.') == std::string::npos)
        error("email_domains", shown(domain) + " is no domain; write for example `example.fr`");
  }

  const OidcAuthenticator& written_;
  OidcAuthenticator oidc_;
  const std::string& path_;
  const Marks& marks_;
  Problems& problems_;
};

}  // namespace

void check_oidc(const Settings& settings,
                const Authenticator& authenticator,
                const std::string& path,
                const Marks& marks,
                Problems& problems) {
  if (settings.public_url.empty() && !marks.has("public_url"))
    problems.error(marks.of(path),
                   path +
                       ": the provider must know where to send people back; write the address "
                       "they type, for example `public_url: https://jupyter.example.fr`");
  OidcChecks(authenticator.oidc, path, marks, problems).run();
}

}  // namespace passerelle::config
