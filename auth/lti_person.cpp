#include "auth/lti_person.hpp"

#include <algorithm>

#include "auth/name.hpp"
#include "store/username.hpp"

namespace passerelle::auth::lti {
namespace {

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

// "urn:lti:role:ims/lis/Instructor/PrimaryInstructor", ".../membership#Instructor" and
// ".../membership/Instructor#TeachingAssistant" -> "instructor"; empty for a role that is not of
// the context.
std::string context_role(std::string_view role) {
  std::string name = text::ascii_lower(text::trim(role));
  for (const std::string_view context :
       {"urn:lti:role:ims/lis/", "http://purl.imsglobal.org/vocab/lis/v2/membership#",
        "http://purl.imsglobal.org/vocab/lis/v2/membership/"})
    if (name.starts_with(context)) {
      name.erase(0, context.size());
      break;
    }
  if (name.find(':') != std::string::npos) return {};
  return name.substr(0, name.find_first_of("/#"));
}

// Ids that nobody reads (edX: 32 hex digits, or a UUID) are told by their beginning.
std::string short_id(std::string_view id) {
  const bool machine_made =
      id.size() >= 32 && id.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
  return std::string(machine_made ? id.substr(0, kShortId) : id);
}

std::string readable(const Person& person) {
  for (const std::string& candidate : person.readable) {
    const std::string_view trimmed = text::trim(candidate);
    const std::string_view part = trimmed.substr(0, trimmed.find('@'));
    if (!part.empty()) return short_id(part);
  }
  return short_id(person.user_id);
}

std::string display_name(const Person& person, const std::string& otherwise) {
  std::string name(text::trim(person.full_name));
  if (name.empty())
    name = std::string(text::trim(person.given_name)) + " " +
           std::string(text::trim(person.family_name));
  const auto clean = normalise_name(cut_name(name));
  return clean ? clean->display : otherwise;
}

void add(std::vector<std::string>& groups, const std::vector<std::string>& more) {
  for (const std::string& group : more)
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
}

}  // namespace

std::string subject_of(std::string_view platform, std::string_view user_id) {
  return escaped(platform) + "/" + escaped(user_id);
}

std::string platform_of(std::string_view subject) {
  return text::percent_decode(subject.substr(0, subject.find('/'))).value_or("");
}

std::string course_group(std::string_view platform, std::string_view context, bool teaches) {
  std::string group = "lti/" + escaped(platform) + "/" + escaped(context);
  group += teaches ? "/instructor" : "/learner";
  const bool fits = !context.empty() && text::is_utf8(group) && group.size() <= kLongestGroup;
  return fits ? group : std::string();
}

bool teaches(const std::vector<std::string>& roles) {
  return std::any_of(roles.begin(), roles.end(), [](const std::string& role) {
    const std::string name = context_role(role);
    // edX sends "Administrator" for a course's staff.
    return name == "instructor" || name == "teachingassistant" || name == "contentdeveloper" ||
           name == "administrator";
  });
}

Identity identity_of(const Person& person,
                     const config::LtiGrants& grants,
                     const std::string& name,
                     const std::vector<std::string>& groups) {
  Identity identity;
  identity.authenticator = name;
  identity.subject = person.subject;
  // With a prefix no platform can make itself a person of this machine, or an administrator's
  // namesake.
  const std::string prefix = grants.prefix.value_or(name);
  const std::string value = store::clean_username(readable(person));
  identity.username_hint = prefix.empty() ? value : prefix + "-" + value;
  identity.display_name = display_name(person, identity.username_hint);
  identity.groups = groups;
  add(identity.groups, grants.groups);
  if (person.teaches) add(identity.groups, grants.instructor_groups);
  const std::string course = course_group(person.platform, person.context, person.teaches);
  if (!course.empty()) add(identity.groups, {course});
  return identity;
}

std::string next_on(std::string_view wanted, std::string_view origin) {
  const bool ours = !origin.empty() && wanted.starts_with(origin) &&
                    (wanted.size() == origin.size() || wanted[origin.size()] == '/');
  if (ours) wanted.remove_prefix(origin.size());
  return text::safe_next(wanted).value_or("");
}

}  // namespace passerelle::auth::lti
