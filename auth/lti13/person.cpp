#include "auth/lti13/person.hpp"

#include <algorithm>

#include "auth/claims.hpp"
#include "auth/json.hpp"
#include "auth/lti13/course_services.hpp"
#include "auth/lti13/description.hpp"
#include "auth/lti13/id_token.hpp"

namespace passerelle::auth::lti13 {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestValue = 4096;
constexpr const char* kGradeService = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint";

// Platforms lower-case the names of custom parameters, or leave them.
std::string custom(const Json& claims, std::string_view name) {
  const Json& all = claim(claims, "custom");
  if (!all.is_object()) return {};
  for (const auto& [key, value] : all.items())
    if (value.is_string() && text::iequals(key, name)) return value.get<std::string>();
  return {};
}

std::vector<std::string> roles_of(const Json& claims) {
  std::vector<std::string> roles;
  const Json& list = claim(claims, "roles");
  if (list.is_array())
    for (const Json& role : list)
      if (role.is_string() && roles.size() < 100) roles.push_back(role.get<std::string>());
  return roles;
}

std::vector<std::string> readable(const Json& claims, const config::LtiPlatform& platform) {
  constexpr std::string_view kCustom = "custom_";
  if (!platform.username.empty()) {
    if (platform.username.starts_with(kCustom))
      return {custom(claims, std::string_view(platform.username).substr(kCustom.size()))};
    return {claims::text(claims, platform.username)};
  }
  return {text_member(claim(claims, "ext"), "user_username"),
          text_member(claim(claims, "lis"), "person_sourcedid"),
          text_member(claims, "preferred_username"), text_member(claims, "email"),
          text_member(claims, "name")};
}

std::string_view path_of(std::string_view uri, std::string_view origin) {
  if (origin.empty() || !uri.starts_with(origin)) return {};
  uri.remove_prefix(origin.size());
  return uri;
}

}  // namespace

lti::Person person_of(const Json& claims,
                      const std::string& name,
                      const config::LtiPlatform& platform) {
  lti::Person person;
  person.user_id = text_member(claims, "sub");
  person.subject = lti::subject_of(platform.issuer, person.user_id);
  person.readable = readable(claims, platform);
  person.full_name = text_member(claims, "name");
  person.given_name = text_member(claims, "given_name");
  person.family_name = text_member(claims, "family_name");
  person.teaches = lti::teaches(roles_of(claims));
  person.platform = name;
  person.context = text_member(claim(claims, "context"), "id");
  return person;
}

AuthState state_of(const Json& claims, const std::string& name) {
  AuthState state;
  const auto keep = [&state](const std::string& as, const std::string& value) {
    if (!value.empty() && as.size() + value.size() <= kLongestValue && text::is_utf8(value))
      state.attributes[as].push_back(value);
  };
  const auto keep_all = [&](const std::string& prefix, const Json& object) {
    if (!object.is_object()) return;
    for (const auto& [key, value] : object.items())
      if (value.is_string() && state.attributes.size() < 200)
        keep(prefix + key, value.get<std::string>());
  };
  keep("user_id", text_member(claims, "sub"));
  keep("lis_person_name_full", text_member(claims, "name"));
  keep("lis_person_name_given", text_member(claims, "given_name"));
  keep("lis_person_name_family", text_member(claims, "family_name"));
  keep("lis_person_contact_email_primary", text_member(claims, "email"));
  keep("deployment_id", text_member(claims, (std::string(kClaim) + "deployment_id").c_str()));
  keep("issuer", text_member(claims, "iss"));
  keep("platform", name);
  for (const std::string& role : roles_of(claims)) keep("roles", role);
  keep_all("context_", claim(claims, "context"));
  keep_all("resource_link_", claim(claims, "resource_link"));
  keep_all("launch_presentation_", claim(claims, "launch_presentation"));
  keep_all("lis_", claim(claims, "lis"));
  keep_all("ext_", claim(claims, "ext"));
  keep_all("custom_", claim(claims, "custom"));
  return state;
}

std::optional<store::Activity> activity_of(const Json& claims,
                                           const lti::Person& person,
                                           const std::string& authenticator) {
  const Json& link = claim(claims, "resource_link");
  if (text_member(link, "id").empty()) return std::nullopt;
  store::Activity activity;
  activity.authenticator = authenticator;
  activity.platform = person.platform;
  activity.link = text_member(link, "id");
  activity.title = text_member(link, "title");
  activity.context = person.context;
  activity.context_title = text_member(claim(claims, "context"), "title");
  activity.user_id = person.user_id;
  activity.teaches = person.teaches;
  const auto service = claims.find(kGradeService);
  if (service == claims.end() || !service->is_object() || !service->contains("scope"))
    return activity;
  const Json& scopes = (*service)["scope"];
  if (!scopes.is_array() || std::find(scopes.begin(), scopes.end(), kScoreScope) == scopes.end())
    return activity;
  activity.grade_url = text_member(*service, "lineitem");
  const std::string items = text_member(*service, "lineitems");
  if (activity.grade_url.empty() && !items.empty() &&
      std::find(scopes.begin(), scopes.end(), kLineItemScope) != scopes.end())
    activity.grade_url = std::string(kToBeMade) + items;
  activity.grade_reference = person.user_id;
  return activity;
}

std::string next_of(const Json& claims, std::string_view origin) {
  for (const char* name : {"next", "target"})
    if (const std::string wanted = custom(claims, name); !wanted.empty())
      return lti::next_on(wanted, origin);
  const std::string target = text_member(claims, (std::string(kClaim) + "target_link_uri").c_str());
  const std::string_view path = path_of(target, origin);
  for (const std::string_view place : {"/hub/user-redirect/", "/user-redirect/", "/user/",
                                       "/hub/spawn", "/hub/home", "/services/"})
    if (path.find(place) != std::string_view::npos) return lti::next_on(target, origin);
  return {};
}

std::string profile_of(const Json& claims) {
  if (const std::string named = custom(claims, "profile"); !named.empty()) return named;
  const std::string target = text_member(claims, (std::string(kClaim) + "target_link_uri").c_str());
  const std::size_t mark = target.find('?');
  if (mark == std::string::npos) return {};
  const auto query = text::parse_form(std::string_view(target).substr(mark + 1));
  return query ? std::string(text::field(*query, "profile")) : std::string();
}

}  // namespace passerelle::auth::lti13
