#include "auth/policy.hpp"

#include <algorithm>

#include "auth/shares.hpp"
#include "base/text.hpp"

namespace passerelle::auth {
namespace {

enum class Case { exact, ignored };
enum class BareNames { count, ignored };

bool same(std::string_view a, std::string_view b, Case how) {
  return how == Case::exact ? a == b : text::iequals(a, b);
}

// "authenticator:subject", or a bare username (which holds no colon).
bool names(std::string_view entry, const Person& person, Case how, BareNames bare) {
  entry = text::trim(entry);
  const std::size_t colon = entry.find(':');
  if (colon == std::string_view::npos)
    return bare == BareNames::count && !person.username.empty() &&
           text::iequals(entry, person.username);
  return entry.substr(0, colon) == person.authenticator &&
         same(entry.substr(colon + 1), person.subject, how);
}

bool among(const config::People& people, const Person& person, Case how, BareNames bare) {
  if (people.everyone) return true;
  const auto named = [&](const std::string& entry) { return names(entry, person, how, bare); };
  if (std::any_of(people.users.begin(), people.users.end(), named)) return true;
  for (const std::string& group : person.groups)
    for (const std::string& listed : people.groups)
      if (same(listed, group, how)) return true;
  return false;
}

}  // namespace

std::string_view to_string(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::nobody_allowed:
      return "nobody-allowed";
    case Refusal::blocked:
      return "blocked";
    case Refusal::not_allowed:
      return "not-allowed";
  }
  return "not-allowed";
}

Policy::Policy(config::Access access, std::vector<std::string> open, Roles roles)
    : access_(std::move(access)), open_(std::move(open)), roles_(std::move(roles)) {}

Admission Policy::admit(const Person& person) const {
  if (person.blocked) return Refusal::blocked;
  if (among(access_.block, person, Case::ignored, BareNames::count)) return Refusal::blocked;
  if (access_.allow.empty()) return Refusal::nobody_allowed;
  if (!among(access_.allow, person, Case::exact, BareNames::count)) return Refusal::not_allowed;
  const bool chosen = std::find(open_.begin(), open_.end(), person.authenticator) != open_.end();
  Admitted admitted{person.groups, false};
  admitted.admin = person.admin || among(access_.admins, person, Case::exact,
                                         chosen ? BareNames::ignored : BareNames::count);
  const auto named = [&](const std::string& entry) {
    return names(entry, person, Case::exact, chosen ? BareNames::ignored : BareNames::count);
  };
  roles_.give(admitted.groups, admitted.admin, named, admitted.scopes, admitted.roles);
  if (shares_ != nullptr) shares_->give(person.username, admitted.groups, admitted.scopes);
  return admitted;
}

Admission Policy::admit(const store::User& user) const {
  return admit(Person{user.authenticator, user.subject, user.username, user.groups,
                      user.blocked.has_value(), user.admin});
}

}  // namespace passerelle::auth
