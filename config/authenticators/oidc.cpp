#include "config/authenticators/oidc.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace passerelle::config {
namespace {

using Texts = std::vector<std::string>;

void fill(std::string& slot, std::string_view value) {
  if (slot.empty()) slot = value;
}

void fill(Texts& slot, Texts value) {
  if (slot.empty()) slot = std::move(value);
}

void lemonldap(OidcAuthenticator& oidc) {
  fill(oidc.scope, {"openid", "profile", "email", "groups"});
  fill(oidc.groups_claim, "groups");
  fill(oidc.groups_separator, "; ");  // its way to write several values
}

void keycloak(OidcAuthenticator& oidc) {
  fill(oidc.groups_claim, "groups");
  oidc.strip_group_slash = true;
}

void gitlab(OidcAuthenticator& oidc) {
  fill(oidc.issuer, "https://gitlab.com");
  fill(oidc.groups_claim, "groups");
}

// GitHub speaks OAuth 2.0 only. Its login names can be renamed and taken by others; the id cannot.
void github(OidcAuthenticator& oidc) {
  fill(oidc.authorize_url, "https://github.com/login/oauth/authorize");
  fill(oidc.token_url, "https://github.com/login/oauth/access_token");
  fill(oidc.userinfo_url, "https://api.github.com/user");
  fill(oidc.organizations_url, oidc.userinfo_url + "/orgs");
  fill(oidc.teams_url, oidc.userinfo_url + "/teams");
  fill(oidc.subject_claim, "id");
  fill(oidc.username_claim, "login");
  const bool asks = !oidc.organizations.empty() || !oidc.teams.empty();
  fill(oidc.scope, asks ? Texts{"read:user", "read:org"} : Texts{"read:user"});
}

void google(OidcAuthenticator& oidc) {
  fill(oidc.issuer, "https://accounts.google.com");
  fill(oidc.username_claim, "email");
  if (!oidc.hosted_domain.empty() && !oidc.authorize_parameters.contains("hd"))
    oidc.authorize_parameters["hd"] = oidc.hosted_domain;  // a hint only; the claim decides
}

void entra(OidcAuthenticator& oidc) {
  if (!oidc.tenant.empty())
    fill(oidc.issuer, "https://login.microsoftonline.com/" + oidc.tenant + "/v2.0");
  fill(oidc.groups_claim, "groups");
}

void cilogon(OidcAuthenticator& oidc) {
  fill(oidc.issuer, "https://cilogon.org");
  fill(oidc.scope, {"openid", "profile", "email", "org.cilogon.userinfo"});
  fill(oidc.identity_provider_claim, "idp");
  fill(oidc.username_claim, "eppn");
  std::string hint;  // which ones its page offers; the claim decides
  for (const IdentityProvider& one : oidc.identity_providers)
    hint += (hint.empty() ? "" : ",") + one.id;
  if (!hint.empty() && !oidc.authorize_parameters.contains("selected_idp"))
    oidc.authorize_parameters["selected_idp"] = hint;
}

// Letters make it somebody's name: 127.0.0.1.example.org is not this machine.
bool is_this_machine(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

void apply_preset(OidcAuthenticator& oidc) {
  constexpr std::pair<std::string_view, void (*)(OidcAuthenticator&)> kPresets[] = {
      {"keycloak", keycloak}, {"lemonldap", lemonldap}, {"gitlab", gitlab},  {"github", github},
      {"google", google},     {"entra", entra},         {"cilogon", cilogon}};
  for (const auto& [name, apply] : kPresets)
    if (oidc.preset == name) apply(oidc);
  fill(oidc.scope, {"openid", "profile", "email"});
  fill(oidc.username_claim, "preferred_username");
  fill(oidc.display_name_claim, "name");
  fill(oidc.algorithms, {"RS256", "PS256", "ES256", "EdDSA"});
  if (!oidc.identity_providers.empty()) fill(oidc.identity_provider_claim, "idp");
}

bool is_provider_url(std::string_view url) {
  const bool printable = std::all_of(url.begin(), url.end(), [](char c) {
    return c > ' ' && c < 0x7F &&
           std::string_view("\\\"<>^`{|}#").find(c) == std::string_view::npos;
  });
  if (!printable || url.size() > 2000) return false;
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) return false;
  url.remove_prefix(tls ? 8 : 7);
  const std::string_view authority = url.substr(0, url.find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) return false;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  return !host.empty() && (tls || is_this_machine(host));
}

}  // namespace passerelle::config
