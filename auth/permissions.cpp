#include "auth/permissions.hpp"

#include <algorithm>

namespace passerelle::auth {
namespace {

constexpr std::string_view kInherit = "inherit";

// JupyterHub's role "admin".
const ScopeName kAdministrator[] = {
    "admin-ui",     "admin:users",     "admin:servers", "admin:services", "tokens",
    "admin:groups", "read:hub",        "list:services", "read:services",  "proxy",
    "shutdown",     "access:services", "shares",        "access:servers", "read:roles",
    "read:metrics", "custom:lti:grade"};

// Who teaches a course may grade its people: the groups are those that launches give
// (auth/lti_person.hpp).
void add_taught(Principal& principal) {
  constexpr std::string_view kTeaches = "/instructor";
  for (const std::string& group : principal.account->groups) {
    if (!group.starts_with("lti/") || !group.ends_with(kTeaches)) continue;
    const std::string course = group.substr(0, group.size() - kTeaches.size());
    for (const char* role : {"/learner", "/instructor"})
      principal.rights.add("custom:lti:grade", Filter{Filter::Kind::group, course + role});
  }
}

bool changes_a_person(ScopeName what) noexcept {
  return what == ScopeName("admin:users") || what == ScopeName("users") ||
         what == ScopeName("delete:users");
}

bool inherits(const std::vector<std::string>& scopes) {
  return std::find(scopes.begin(), scopes.end(), kInherit) != scopes.end();
}

Owner owner_of(const Account& account) {
  if (account.service) return Owner{{}, {}, account.username};
  return Owner{account.username};
}

Result<ScopeSet> parse(const std::vector<std::string>& scopes, const Owner& owner) {
  ScopeSet set;
  for (const std::string& scope : scopes) {
    auto added = set.add(scope, owner);
    if (!added) return std::move(added).error();
  }
  return set;
}

}  // namespace

Principal principal_of(std::shared_ptr<const Account> account) {
  Principal principal{std::move(account), {}, std::nullopt};
  const Owner owner = owner_of(*principal.account);
  // What a role of the configuration says was checked when it was read.
  for (const std::string& scope : principal.account->scopes)
    (void)principal.rights.add(scope, owner);
  add_taught(principal);
  if (principal.account->admin)
    for (const ScopeName name : kAdministrator) principal.rights.add(name, Filter{});
  return principal;
}

Result<Principal> principal_of(std::shared_ptr<const Account> owner,
                               const std::vector<std::string>& scopes) {
  Principal principal = principal_of(std::move(owner));
  if (inherits(scopes)) return principal;
  auto narrowed = parse(scopes, owner_of(*principal.account));
  if (!narrowed) return std::move(narrowed).error();
  principal.narrowed = std::move(*narrowed);
  return principal;
}

bool whole_administrator(const Principal& who) noexcept {
  return who.account->admin && !who.narrowed;
}

bool allowed(const Principal& who, ScopeName what, const Target& target) noexcept {
  if (target.admin && changes_a_person(what) && !whole_administrator(who)) return false;
  return who.rights.satisfies(what, target) &&
         (!who.narrowed || who.narrowed->satisfies(what, target));
}

bool has(const Principal& who, ScopeName what) noexcept {
  return who.rights.has(what) && (!who.narrowed || who.narrowed->has(what));
}

ScopeSet effective(const Principal& who, const Membership& members) {
  return who.narrowed ? who.rights.intersection(*who.narrowed, members) : who.rights;
}

Result<void> may_hand_out(const Principal& who,
                          const Account& owner,
                          const std::vector<std::string>& scopes,
                          const Membership& members) {
  if (inherits(scopes)) {
    const bool own = who.account->id == owner.id;
    if (!who.narrowed && (own || who.account->admin)) return {};
    return Error(Errc::forbidden, "only the owner or an administrator hands out \"inherit\"");
  }
  auto asked = parse(scopes, owner_of(owner));
  if (!asked) return std::move(asked).error();
  std::string beyond = who.rights.beyond(*asked, members);
  if (beyond.empty() && who.narrowed) beyond = who.narrowed->beyond(*asked, members);
  if (!beyond.empty()) return Error(Errc::forbidden, "scope " + beyond + " is more than you have");
  return {};
}

}  // namespace passerelle::auth
