#include "auth/ldap/lookup.hpp"

#include "auth/ldap/account.hpp"
#include "auth/ldap/dn.hpp"
#include "auth/ldap/escape.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth::ldap {
namespace {

using Settings = config::LdapAuthenticator;

// One attempt: what every step needs.
struct Attempt {
  Connection& connection;
  const Settings& settings;
  const std::string& username;
  const std::string& password;
  Deadline deadline;
};

Search people(const Settings& settings, std::string filter) {
  Search search;
  search.base = settings.user_base;
  search.filter = std::move(filter);
  search.attributes = wanted_attributes(settings);
  search.most = 2;
  return search;
}

Search entry_at(const Settings& settings, std::string dn, const std::string& username) {
  Search search = people(settings, "(objectClass=*)");
  search.base = std::move(dn);
  search.scope = Search::Scope::base;
  if (!settings.user_filter.empty()) search.filter = filter_for(settings, username);
  return search;
}

// Nothing there, or nothing that we may see.
Result<std::optional<Entry>> read_entry(const Attempt& attempt, const std::string& dn) {
  auto found =
      attempt.connection.search(entry_at(attempt.settings, dn, attempt.username), attempt.deadline);
  if (!found) {
    if (found.error().code() == Errc::not_found) return std::optional<Entry>();
    return std::move(found).error();
  }
  if (found->entries.empty()) return std::optional<Entry>();
  return std::optional<Entry>(std::move(found->entries.front()));
}

// Errc::not_found would read as "nobody of that name"; here it is a wrong configuration.
Result<Found> find_people(Connection& connection,
                          const Settings& settings,
                          std::string filter,
                          Deadline deadline) {
  auto found = connection.search(people(settings, std::move(filter)), deadline);
  if (!found && found.error().code() == Errc::not_found)
    return Error(Errc::forbidden,
                 found.error().message() + "; user_base does not exist, or " +
                     (settings.bind_dn.empty() ? "nobody may read it without bind_dn"
                                               : settings.bind_dn + " may not read it"));
  return found;
}

Denied denied(const Bound& bound) {
  return {bound.why, bound.detail, false};
}

// The bind as the person, and the proof that it was one.
Result<std::optional<Denied>> try_password(const Attempt& attempt,
                                           const std::string& dn,
                                           std::string& who) {
  auto bound = attempt.connection.bind(dn, attempt.password, attempt.deadline);
  if (!bound) return std::move(bound).error();
  if (!bound->right) return std::optional<Denied>(denied(*bound));
  if (bound->must_change)
    return std::optional<Denied>(Denied{"password-must-change", bound->detail, true});
  auto told = attempt.connection.who_am_i(attempt.deadline);
  if (!told && told.error().code() == Errc::not_found) return std::optional<Denied>();
  if (!told) return std::move(told).error();
  if (told->empty() || *told == "dn:")
    return std::optional<Denied>(Denied{"anonymous-bind", "the server took " + dn + " for nobody"});
  who = std::move(*told);
  return std::optional<Denied>();
}

Result<Verdict> by_lookup(const Attempt& attempt) {
  auto ready = bind_service(attempt.connection, attempt.settings, attempt.deadline);
  if (!ready) return std::move(ready).error();
  auto found = find_people(attempt.connection, attempt.settings,
                           filter_for(attempt.settings, attempt.username), attempt.deadline);
  if (!found) return std::move(found).error();
  if (found->entries.size() > 1 || found->more)
    return Verdict(Denied{"ambiguous", found->entries.front().dn + " and others"});
  if (found->entries.empty()) {
    // As much to do as for somebody who is there: the time it takes tells nothing.
    const std::string nobody = "cn=" + secrets::random_token() + "," + attempt.settings.user_base;
    auto refused = attempt.connection.bind(nobody, attempt.password, attempt.deadline);
    if (!refused) return std::move(refused).error();
    return Verdict(Denied{"unknown-user", ""});
  }
  Entry entry = std::move(found->entries.front());
  std::string who;
  auto denial = try_password(attempt, entry.dn, who);
  if (!denial) return std::move(denial).error();
  if (*denial) return Verdict(std::move(**denial));
  ready = bind_service(attempt.connection, attempt.settings, attempt.deadline);
  if (!ready) return std::move(ready).error();
  return Verdict(std::move(entry));
}

// Two templates with an entry each would make one user of two people.
Result<bool> has_namesake(const Attempt& attempt, const std::string& dn) {
  for (const std::string& pattern : attempt.settings.user_dn) {
    if (is_principal(pattern)) continue;
    const std::string other = fill_in(pattern, attempt.username, Into::dn);
    if (same_dn(other, dn)) continue;
    auto entry = read_entry(attempt, other);
    if (!entry && entry.error().code() == Errc::forbidden) continue;  // we may not see it
    if (!entry) return std::move(entry).error();
    if (*entry && !same_dn((*entry)->dn, dn)) return true;
  }
  return false;
}

Result<Verdict> at_dn(const Attempt& attempt, const std::string& dn) {
  auto ready = bind_service(attempt.connection, attempt.settings, attempt.deadline);
  if (!ready) return std::move(ready).error();
  auto entry = read_entry(attempt, dn);
  if (!entry) return std::move(entry).error();
  if (!*entry) return Verdict(Denied{"filtered", dn + " does not match, or cannot be read"});
  auto namesake = has_namesake(attempt, dn);
  if (!namesake) return std::move(namesake).error();
  if (*namesake) return Verdict(Denied{"ambiguous", dn + " and others"});
  return Verdict(std::move(**entry));
}

Result<Verdict> at_principal(const Attempt& attempt, const std::string& who) {
  auto found = find_people(attempt.connection, attempt.settings,
                           filter_for(attempt.settings, attempt.username), attempt.deadline);
  if (!found) return std::move(found).error();
  if (found->entries.empty()) return Verdict(Denied{"filtered", who + " does not match"});
  if (found->entries.size() > 1 || found->more)
    return Verdict(Denied{"ambiguous", found->entries.front().dn + " and others"});
  if (!is_the_bound_one(who, found->entries.front()))
    return Verdict(Denied{"ambiguous", "the password of " + who + " does not open " +
                                           found->entries.front().dn + "; see `user_filter`"});
  auto ready = bind_service(attempt.connection, attempt.settings, attempt.deadline);
  if (!ready) return std::move(ready).error();
  return Verdict(std::move(found->entries.front()));
}

// With a name like "fry@elsewhere", "{username}@planet.example" would be somebody else's.
bool fits_principal(std::string_view pattern, const std::string& username) {
  return pattern == "{username}" || username.find_first_of("@\\/\"") == std::string::npos;
}

Result<Verdict> by_templates(const Attempt& attempt) {
  Denied last{"unknown-user", ""};
  for (const std::string& pattern : attempt.settings.user_dn) {
    const bool principal = is_principal(pattern);
    if (principal && !fits_principal(pattern, attempt.username)) continue;
    const std::string dn = fill_in(pattern, attempt.username, principal ? Into::nothing : Into::dn);
    std::string who;
    auto denial = try_password(attempt, dn, who);
    if (!denial) return std::move(denial).error();
    if (!*denial) return principal ? at_principal(attempt, who) : at_dn(attempt, dn);
    last = std::move(**denial);
    if (last.must_change) break;
  }
  return Verdict(std::move(last));
}

}  // namespace

bool is_principal(std::string_view user_dn) noexcept {
  return user_dn.find('=') == std::string_view::npos;
}

std::string filter_for(const Settings& settings, const std::string& username) {
  const std::string pattern = settings.user_filter.empty()
                                  ? "(" + settings.username_attribute + "={username})"
                                  : settings.user_filter;
  return fill_in(pattern, username, Into::filter);
}

bool is_the_bound_one(const std::string& who, const Entry& entry) {
  if (who.starts_with("dn:")) return same_dn(who.substr(3), entry.dn);
  if (!who.starts_with("u:")) return false;
  const std::string_view name = std::string_view(who).substr(2);
  if (const std::size_t slash = name.find('\\'); slash != std::string_view::npos)
    return text::iequals(name.substr(slash + 1), entry.first("sAMAccountName")) &&
           slash + 1 < name.size();
  return name.find('@') != std::string_view::npos &&
         text::iequals(name, entry.first("userPrincipalName"));
}

Result<void> bind_service(Connection& connection, const Settings& settings, Deadline deadline) {
  if (settings.bind_dn.empty()) return {};
  auto bound = connection.bind(settings.bind_dn, settings.bind_password.value, deadline);
  if (!bound) return std::move(bound).error();
  if (bound->right) return {};
  return Error(Errc::forbidden, "the directory refuses bind_dn " + settings.bind_dn + ": " +
                                    bound->why + (bound->detail.empty() ? "" : " (") +
                                    bound->detail + (bound->detail.empty() ? "" : ")"));
}

Result<Verdict> verify(Connection& connection,
                       const Settings& settings,
                       const std::string& username,
                       const std::string& password,
                       Deadline deadline) {
  const Attempt attempt{connection, settings, username, password, deadline};
  return settings.user_dn.empty() ? by_lookup(attempt) : by_templates(attempt);
}

bool can_look_up(const Settings& settings) {
  if (settings.user_dn.empty()) return true;
  if (settings.bind_dn.empty()) return false;
  if (!settings.user_base.empty()) return true;
  for (const std::string& pattern : settings.user_dn)
    if (is_principal(pattern)) return false;
  return true;
}

Result<std::optional<Entry>> find_again(Connection& connection,
                                        const Settings& settings,
                                        const std::string& subject,
                                        const std::string& username,
                                        Deadline deadline) {
  const std::string nothing;
  if (settings.user_base.empty()) {
    const Attempt attempt{connection, settings, username, nothing, deadline};
    for (const std::string& pattern : settings.user_dn) {
      auto entry = read_entry(attempt, fill_in(pattern, username, Into::dn));
      if (!entry || *entry) return entry;
    }
    return std::optional<Entry>();
  }
  // The name may have changed since; the filter's other conditions count under the present one.
  std::string name = username;
  if (!settings.subject_attribute.empty()) {
    auto found = find_people(connection, settings, subject_filter(subject, settings), deadline);
    if (!found) return std::move(found).error();
    if (found->entries.size() != 1 || found->more) return std::optional<Entry>();
    auto present = username_of(found->entries.front(), settings);
    if (!present) return std::move(present).error();
    name = std::move(*present);
  }
  auto found = find_people(connection, settings, filter_for(settings, name), deadline);
  if (!found) return std::move(found).error();
  if (found->entries.size() != 1 || found->more) return std::optional<Entry>();
  // The name may be somebody else's now.
  const Entry& entry = found->entries.front();
  auto present = username_of(entry, settings);
  if (!present) return std::move(present).error();
  auto its = subject_of(entry, *present, settings);
  if (!its) return std::move(its).error();
  if (*its != subject) return std::optional<Entry>();
  return std::optional<Entry>(entry);
}

}  // namespace passerelle::auth::ldap
