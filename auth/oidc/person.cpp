#include "auth/oidc/person.hpp"

#include <algorithm>

#include "auth/claims.hpp"
#include "auth/json.hpp"
#include "auth/name.hpp"

namespace passerelle::auth::oidc {
namespace {

using Json = nlohmann::json;
using Settings = config::OidcAuthenticator;
using Texts = std::vector<std::string>;

bool is_mail_claim(const std::string& path) {
  return path == "email" || path.ends_with(".email") || path == "/email";
}

// CVE-2026-33175: what somebody typed as their address proves nothing until it was verified.
bool mail_counts(const Settings& settings, const Json& all) {
  return settings.allow_unverified_email || claims::is_true(all, "email_verified");
}

const config::IdentityProvider* provider_of(const Settings& settings, const std::string& id) {
  for (const auto& one : settings.identity_providers)
    if (one.id == id) return &one;
  return nullptr;
}

// Domains are compared whole (GHSA-55m3-44xf-hg4h) and by claims that nobody writes themselves.
std::optional<Unfit> unfit_domain(const Settings& settings, const Claims& told) {
  if (!settings.hosted_domain.empty() &&
      text_member(told.signed_ones, "hd") != settings.hosted_domain)
    return Unfit{"domain-not-allowed", "the claim hd is not hosted_domain"};
  if (settings.email_domains.empty()) return std::nullopt;
  if (!mail_counts(settings, told.all))
    return Unfit{"email-unverified", "email_domains needs a verified address"};
  const std::string domain = claims::mail_domain(text_member(told.all, "email"));
  for (const std::string& allowed : settings.email_domains)
    if (!domain.empty() && domain == text::ascii_lower(allowed)) return std::nullopt;
  return Unfit{"domain-not-allowed", "the address is in none of email_domains"};
}

std::variant<std::string, Unfit> username_of(const Settings& settings,
                                             const std::string& pattern,
                                             const Claims& told) {
  const auto paths = claims::paths_in(pattern);
  if (!paths) return Unfit{"name-missing", "username_claim: " + paths.error().message()};
  const bool by_mail = std::any_of(paths->begin(), paths->end(), is_mail_claim);
  if (by_mail && !mail_counts(settings, told.all))
    return Unfit{"email-unverified", "the username would come from an unverified address"};
  auto filled = claims::fill(pattern, told.all);
  if (!filled) return Unfit{"name-missing", filled.error().message()};
  // A long one is refused, never cut: cut, two people would look alike.
  const auto name = normalise_name(*filled);
  if (!name) return Unfit{"name-invalid", "the username that the claims give cannot be one"};
  return name->key;
}

Texts groups_of(const config::Authenticator& authenticator,
                const Settings& settings,
                const Claims& told,
                const Texts& more) {
  Texts raw = claims::texts(told.all, settings.groups_claim);
  if (settings.strip_group_slash)
    for (std::string& group : raw)
      if (group.starts_with('/')) group.erase(0, 1);
  Texts groups = claims::group_names(raw, settings.groups_separator, settings.groups_prefix);
  for (const std::string& one : claims::group_names(more, "", settings.groups_prefix))
    groups.push_back(one);
  for (const std::string& one : authenticator.groups)
    if (std::find(groups.begin(), groups.end(), one) == groups.end()) groups.push_back(one);
  return groups;
}

std::string display_name_of(const Settings& settings, const Claims& told, std::string username) {
  const auto filled = claims::fill(settings.display_name_claim, told.all);
  if (!filled) return username;
  const auto name = normalise_name(cut_name(*filled));
  return name ? name->display : username;
}

}  // namespace

Claims merged(Json id_token, const Json& userinfo) {
  Claims claims;
  claims.all = id_token;
  claims.signed_ones = std::move(id_token);
  if (!userinfo.is_object()) return claims;
  // An address and the word that it is verified come from the same mouth.
  if (userinfo.contains("email")) claims.all.erase("email_verified");
  claims.all.update(userinfo);
  return claims;
}

std::variant<Described, Unfit> describe(const config::Authenticator& authenticator,
                                        const Settings& settings,
                                        const Claims& told,
                                        const Texts& more_groups) {
  Described person;
  person.identity.authenticator = authenticator.name;
  person.identity.subject = settings.plain_oauth()
                                ? claims::text(told.signed_ones, settings.subject_claim)
                                : text_member(told.signed_ones, "sub");
  if (person.identity.subject.empty()) return Unfit{"subject-missing", "there is no subject"};
  std::string prefix;
  std::string pattern = settings.username_claim;
  if (!settings.identity_provider_claim.empty()) {
    // CVE-2022-31027: who vouches for somebody is its own, signed claim, not the mail's domain. It
    // is part of who they are: two providers may know the same name.
    const std::string id = text_member(told.signed_ones, settings.identity_provider_claim.c_str());
    const auto* known = provider_of(settings, id);
    if (id.empty() || (known == nullptr && !settings.identity_providers.empty()))
      return Unfit{"provider-not-allowed", "its identity provider is not among those listed"};
    person.identity.subject = id + " " + person.identity.subject;
    if (known != nullptr) {
      prefix = known->prefix + "-";
      if (!known->username_claim.empty()) pattern = known->username_claim;
    }
  }
  if (auto unfit = unfit_domain(settings, told)) return std::move(*unfit);
  auto username = username_of(settings, pattern, told);
  if (auto* unfit = std::get_if<Unfit>(&username)) return std::move(*unfit);
  person.identity.username_hint = prefix + std::get<std::string>(username);
  person.identity.display_name = display_name_of(settings, told, person.identity.username_hint);
  person.identity.groups = groups_of(authenticator, settings, told, more_groups);
  for (const std::string& path : settings.attributes) {
    if (is_mail_claim(path) && !mail_counts(settings, told.all)) continue;
    Texts values = claims::texts(told.all, path);
    if (!values.empty()) person.attributes[path] = std::move(values);
  }
  return person;
}

}  // namespace passerelle::auth::oidc
