#include "auth/lti11/person.hpp"

#include <algorithm>

#include "auth/name.hpp"
#include "store/username.hpp"

namespace passerelle::auth::lti11 {
namespace {

constexpr std::size_t kLongestValue = 4096;
constexpr std::size_t kLongestGroup = 255;
constexpr std::size_t kShortId = 8;

std::string escaped(std::string_view raw) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte != 0x7F && c != '/' && c != '%') {
      out.push_back(c);
      continue;
    }
    out.push_back('%');
    out.push_back(kHex[byte >> 4U]);
    out.push_back(kHex[byte & 0xFU]);
  }
  return out;
}

// "urn:lti:role:ims/lis/Instructor/PrimaryInstructor" -> "instructor"; empty for a role that is
// not of the context.
std::string context_role(std::string_view role) {
  constexpr std::string_view kContext = "urn:lti:role:ims/lis/";
  std::string name = text::ascii_lower(text::trim(role));
  if (name.starts_with(kContext)) name.erase(0, kContext.size());
  if (name.starts_with("urn:")) return {};
  return name.substr(0, name.find('/'));
}

// Ids that nobody reads (edX: 32 hex digits, or a UUID) are told by their beginning.
std::string short_id(std::string_view id) {
  const bool machine_made =
      id.size() >= 32 && id.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
  return std::string(machine_made ? id.substr(0, kShortId) : id);
}

std::string_view local_part(std::string_view value) {
  return value.substr(0, value.find('@'));
}

std::string readable(const Launch& launch) {
  const auto value = [&](std::string_view name) { return only_field(launch.fields, name); };
  if (!launch.settings->username.empty()) {
    const std::string_view wanted = value(launch.settings->username);
    return wanted.empty() ? short_id(launch.user_id) : short_id(local_part(wanted));
  }
  for (const std::string_view name :
       {"ext_user_username", "lis_person_sourcedid", "lis_person_contact_email_primary"})
    if (const std::string_view part = local_part(text::trim(value(name))); !part.empty())
      return short_id(part);
  if (const std::string_view name = text::trim(value("lis_person_name_full")); !name.empty())
    return std::string(name);
  return short_id(launch.user_id);
}

std::string display_name(const Launch& launch, const std::string& otherwise) {
  const auto value = [&](std::string_view name) {
    return text::trim(only_field(launch.fields, name));
  };
  std::string name(value("lis_person_name_full"));
  if (name.empty()) {
    name = value("lis_person_name_given");
    name.append(" ").append(value("lis_person_name_family"));
  }
  const auto clean = normalise_name(cut_name(name));
  return clean ? clean->display : otherwise;
}

void add(std::vector<std::string>& groups, const std::vector<std::string>& more) {
  for (const std::string& group : more)
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
}

}  // namespace

std::string subject_of(std::string_view consumer, std::string_view user_id) {
  return escaped(consumer) + "/" + escaped(user_id);
}

std::string consumer_of(std::string_view subject) {
  return text::percent_decode(subject.substr(0, subject.find('/'))).value_or("");
}

bool teaches(std::string_view roles) {
  for (const std::string_view role : text::split(roles, ',')) {
    const std::string name = context_role(role);
    // edX sends "Administrator" for a course's staff.
    for (const std::string_view teacher :
         {"instructor", "teachingassistant", "contentdeveloper", "administrator"})
      if (name == teacher) return true;
  }
  return false;
}

Identity identity_of(const Launch& launch,
                     const std::string& name,
                     const std::vector<std::string>& groups) {
  const config::LtiConsumer& consumer = *launch.settings;
  Identity identity;
  identity.authenticator = name;
  identity.subject = subject_of(launch.consumer, launch.user_id);
  // With a prefix no platform can make itself a person of this machine, or an administrator's
  // namesake.
  const std::string prefix = consumer.prefix.value_or(name);
  const std::string value = store::clean_username(readable(launch));
  identity.username_hint = prefix.empty() ? value : prefix + "-" + value;
  identity.display_name = display_name(launch, identity.username_hint);
  const bool teacher = teaches(only_field(launch.fields, "roles"));
  identity.groups = groups;
  add(identity.groups, consumer.groups);
  if (teacher) add(identity.groups, consumer.instructor_groups);
  const std::string_view context = only_field(launch.fields, "context_id");
  std::string course = "lti/" + escaped(launch.consumer) + "/" + escaped(context);
  course += teacher ? "/instructor" : "/learner";
  if (!context.empty() && text::is_utf8(course) && course.size() <= kLongestGroup)
    add(identity.groups, {course});
  return identity;
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
    std::string_view wanted = only_field(launch.fields, name);
    if (wanted.empty()) continue;
    if (!origin.empty() && wanted.starts_with(origin)) wanted.remove_prefix(origin.size());
    return text::safe_next(wanted).value_or("");
  }
  return {};
}

std::string profile_of(const Launch& launch) {
  const std::string_view custom = only_field(launch.fields, "custom_profile");
  return std::string(custom.empty() ? only_field(launch.fields, "profile") : custom);
}

}  // namespace passerelle::auth::lti11
