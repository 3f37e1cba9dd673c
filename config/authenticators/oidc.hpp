// `type: oidc`: an OpenID Provider, or an OAuth 2.0 server that tells who somebody is.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/secret.hpp"

namespace passerelle::config {

/// One of the identity providers behind a provider that stands for many (CILogon).
struct IdentityProvider {
  std::string id;              ///< The value of the claim that names it, whole.
  std::string prefix;          ///< Before the username; unique.
  std::string username_claim;  ///< Empty: the authenticator's.
};

struct OidcAuthenticator {
  std::string preset;  ///< "keycloak", "lemonldap", ...; empty: none. See apply_preset.
  std::string issuer;
  std::string discovery_url;  ///< Empty: below the issuer.
  std::string tenant;         ///< preset entra
  std::string client_id;
  Secret client_secret;
  std::string client_auth = "auto";  ///< auto, basic, post, private_key_jwt, none
  std::string client_key;            ///< PEM file for private_key_jwt.
  std::string client_key_id;
  std::string authorize_url;  ///< Instead of what discovery says.
  std::string token_url;
  std::string userinfo_url;
  std::string jwks_url;
  std::string end_session_url;
  std::string ca_file;
  std::vector<std::string> scope;
  std::map<std::string, std::string> authorize_parameters;
  std::vector<std::string> algorithms;
  seconds leeway{60};
  std::string subject_claim;  ///< Plain OAuth only; OpenID Connect has "sub".
  std::string username_claim;
  std::string display_name_claim;
  std::string groups_claim;
  std::string groups_separator;
  std::string groups_prefix;
  std::vector<std::string> attributes;  ///< Claims kept for spawners.
  std::vector<std::string> email_domains;
  bool allow_unverified_email = false;
  std::string hosted_domain;
  std::string identity_provider_claim;
  std::vector<IdentityProvider> identity_providers;
  std::vector<std::string> organizations;  ///< preset github: any of them is asked for.
  std::vector<std::string> teams;          ///< preset github: "organization/team"
  std::vector<std::string> acr;            ///< Any of them is asked for.
  std::vector<std::string> amr;            ///< Likewise.
  std::string prompt;
  seconds max_age{0};  ///< 0: as old as the provider likes.
  bool tokens_for_servers = false;
  bool provider_sign_out = true;

  // What only presets say.
  std::string organizations_url;  ///< GitHub's API: the person's organisations, then teams.
  std::string teams_url;
  bool strip_group_slash = false;  ///< Keycloak's full group paths begin with one.

  /// OAuth 2.0 without OpenID Connect: nothing is signed, the userinfo answer is all there is.
  bool plain_oauth() const noexcept { return issuer.empty(); }
};

/// Fills in what `preset` knows and the file left open, then the defaults of the type.
void apply_preset(OidcAuthenticator& oidc);

/// Where passwords, codes and keys may go: https, or http to this machine (tests); no user, no
/// fragment.
bool is_provider_url(std::string_view url);

}  // namespace passerelle::config
