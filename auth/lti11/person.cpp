#include "auth/lti11/person.hpp"

#include "auth/lti_person.hpp"

namespace passerelle::auth::lti11 {
namespace {

constexpr std::size_t kLongestValue = 4096;

std::vector<std::string> readable(const Launch& launch) {
  const auto value = [&](std::string_view name) {
    return std::string(only_field(launch.fields, name));
  };
  if (!launch.settings->username.empty()) return {value(launch.settings->username)};
  return {value("ext_user_username"), value("lis_person_sourcedid"),
          value("lis_person_contact_email_primary"), value("lis_person_name_full")};
}

lti::Person person_of(const Launch& launch) {
  const auto value = [&](std::string_view name) {
    return std::string(only_field(launch.fields, name));
  };
  lti::Person person;
  person.subject = lti::subject_of(launch.consumer, launch.user_id);
  person.user_id = launch.user_id;
  person.readable = readable(launch);
  person.full_name = value("lis_person_name_full");
  person.given_name = value("lis_person_name_given");
  person.family_name = value("lis_person_name_family");
  person.teaches = teaches(value("roles"));
  person.platform = launch.consumer;
  person.context = value("context_id");
  return person;
}

}  // namespace

bool teaches(std::string_view roles) {
  std::vector<std::string> list;
  for (const std::string_view role : text::split(roles, ',')) list.emplace_back(role);
  return lti::teaches(list);
}

Identity identity_of(const Launch& launch,
                     const std::string& name,
                     const std::vector<std::string>& groups) {
  return lti::identity_of(person_of(launch), *launch.settings, name, groups);
}

std::optional<store::Activity> activity_of(const Launch& launch, const std::string& name) {
  const auto value = [&](std::string_view field) {
    return std::string(only_field(launch.fields, field));
  };
  store::Activity activity;
  activity.authenticator = name;
  activity.platform = launch.consumer;
  activity.link = value("resource_link_id");
  activity.title = value("resource_link_title");
  activity.context = value("context_id");
  activity.context_title = value("context_title");
  activity.user_id = launch.user_id;
  activity.teaches = teaches(value("roles"));
  activity.grade_url = value("lis_outcome_service_url");
  activity.grade_reference = value("lis_result_sourcedid");
  // Both, or there is nowhere to send a grade to.
  if (activity.grade_reference.empty()) activity.grade_url.clear();
  for (std::string* text :
       {&activity.link, &activity.title, &activity.context, &activity.context_title,
        &activity.grade_url, &activity.grade_reference})
    if (text->size() > kLongestValue || !text::is_utf8(*text)) text->clear();
  if (activity.link.empty()) return std::nullopt;
  return activity;
}

AuthState state_of(const Launch& launch) {
  AuthState state;
  for (const auto& [name, value] : launch.fields)
    if (!name.starts_with("oauth_") && name.size() + value.size() <= kLongestValue &&
        text::is_utf8(name) && text::is_utf8(value))
      state.attributes[name].push_back(value);
  state.attributes["consumer_key"] = {launch.consumer};
  return state;
}

std::string next_of(const Launch& launch, std::string_view origin) {
  for (const std::string_view name : {"custom_next", "custom_target", "next", "target"}) {
    const std::string_view wanted = only_field(launch.fields, name);
    if (!wanted.empty()) return lti::next_on(wanted, origin);
  }
  return {};
}

std::string profile_of(const Launch& launch) {
  const std::string_view custom = only_field(launch.fields, "custom_profile");
  return std::string(custom.empty() ? only_field(launch.fields, "profile") : custom);
}

}  // namespace passerelle::auth::lti11
