#include "auth/scopes.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace passerelle::auth {
namespace {

struct Implication {
  ScopeName name;
  std::initializer_list<ScopeName> implied;
};

// One level each; add() follows them down. JupyterHub, docs/source/rbac/scopes.md.
const Implication kImplications[] = {
    {"admin:users", {"admin:auth_state", "users", "read:roles:users", "delete:users"}},
    {"users", {"read:users", "list:users", "users:activity"}},
    {"list:users", {"read:users:name"}},
    {"read:users", {"read:users:name", "read:users:groups", "read:users:activity"}},
    {"read:roles", {"read:roles:users", "read:roles:services", "read:roles:groups"}},
    {"users:activity", {"read:users:activity"}},
    {"admin:servers", {"admin:server_state", "servers"}},
    {"servers", {"read:servers", "start:servers", "delete:servers"}},
    {"read:servers", {"read:users:name"}},
    {"tokens", {"read:tokens"}},
    {"admin:groups", {"groups", "read:roles:groups", "delete:groups"}},
    {"groups", {"read:groups", "list:groups"}},
    {"list:groups", {"read:groups:name"}},
    {"read:groups", {"read:groups:name"}},
    {"admin:services", {"list:services", "read:services", "read:roles:services"}},
    {"list:services", {"read:services:name"}},
    {"read:services", {"read:services:name"}},
    {"shares", {"access:servers", "read:shares", "users:shares", "groups:shares"}},
    {"users:shares", {"read:users:shares"}},
    {"groups:shares", {"read:groups:shares"}},
};

const ScopeName kSelf[] = {"read:users", "users:shares", "read:shares",   "users:activity",
                           "servers",    "tokens",       "access:servers"};

bool contains(const std::vector<std::string>* list, std::string_view value) noexcept {
  return list != nullptr && std::find(list->begin(), list->end(), value) != list->end();
}

bool is_server_of(std::string_view full_name,
                  std::string_view user,
                  std::string_view server) noexcept {
  return full_name.size() == user.size() + 1 + server.size() && full_name.starts_with(user) &&
         full_name[user.size()] == '/' && full_name.ends_with(server);
}

bool matches(const Filter& filter, const Target& target) noexcept {
  const bool about_user = target.kind == Target::Kind::user || target.kind == Target::Kind::server;
  switch (filter.kind) {
    case Filter::Kind::none:
      return true;
    case Filter::Kind::user:
      return about_user && filter.value == target.user;
    case Filter::Kind::group:
      return about_user ? contains(target.groups, filter.value)
                        : target.kind == Target::Kind::group && filter.value == target.group;
    case Filter::Kind::server:
      return target.kind == Target::Kind::server &&
             is_server_of(filter.value, target.user, target.server);
    case Filter::Kind::service:
      return target.kind == Target::Kind::service && filter.value == target.service;
  }
  return false;
}

std::string_view user_of(const Filter& filter) noexcept {
  const std::string_view value = filter.value;
  return filter.kind == Filter::Kind::server ? value.substr(0, value.find('/')) : value;
}

// What both filters let through, if that can be written as one.
const Filter* narrower(const Filter& a, const Filter& b, const Membership& members) {
  using Kind = Filter::Kind;
  if (a.kind == Kind::none || a == b) return &b;
  if (b.kind == Kind::none) return &a;
  if (a.kind == Kind::service || b.kind == Kind::service || a.kind == b.kind) return nullptr;
  const Filter& inner = a.kind == Kind::server || b.kind == Kind::group ? a : b;
  const Filter& outer = &inner == &a ? b : a;
  const std::string_view user = user_of(inner);
  const bool inside =
      outer.kind == Kind::user ? outer.value == user : members && members(user, outer.value);
  return inside ? &inner : nullptr;
}

std::string text_of(std::string_view name, const Filter& filter) {
  constexpr std::string_view kWords[] = {"", "!user=", "!group=", "!server=", "!service="};
  std::string text(name);
  text.append(kWords[static_cast<std::size_t>(filter.kind)]).append(filter.value);
  return text;
}

Error bad_scope(std::string_view scope, std::string_view why) {
  return Error(Errc::invalid,
               "scope \"" + std::string(scope.substr(0, 100)) + "\": " + std::string(why));
}

// Of an owner-relative filter; its value is empty when the owner has no such thing.
Result<Filter> owned(std::string_view scope, std::string_view kind, const Owner& owner) {
  if (kind == "user") return Filter{Filter::Kind::user, std::string(owner.user)};
  if (kind == "server") return Filter{Filter::Kind::server, std::string(owner.server)};
  if (kind == "service") return Filter{Filter::Kind::service, std::string(owner.service)};
  return bad_scope(scope, "the filter needs a value; !user, !server and !service mean the owner's");
}

Result<Filter> parse_filter(std::string_view scope, std::string_view text, const Owner& owner) {
  const std::size_t equals = text.find('=');
  const std::string_view kind = text.substr(0, equals);
  if (equals == std::string_view::npos) return owned(scope, kind, owner);
  const std::string_view value = text.substr(equals + 1);
  if (value.empty() || value.find_first_of("!=") != std::string_view::npos)
    return bad_scope(scope, "the filter's value is not a name");
  if (kind == "user") return Filter{Filter::Kind::user, std::string(value)};
  if (kind == "group") return Filter{Filter::Kind::group, std::string(value)};
  if (kind == "service") return Filter{Filter::Kind::service, std::string(value)};
  if (kind != "server") return bad_scope(scope, "filters are !user, !group, !server and !service");
  const std::size_t slash = value.find('/');
  if (slash == 0 || slash == std::string_view::npos)
    return bad_scope(scope, "a server is written user/name, the default one user/");
  return Filter{Filter::Kind::server, std::string(value)};
}

template <class List, class Item>
void add_once(List& list, Item item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
}

}  // namespace

std::optional<ScopeName> ScopeName::parse(std::string_view text) noexcept {
  const auto index = find(text);
  if (!index) return std::nullopt;
  return ScopeName(*index);
}

Result<void> ScopeSet::add(std::string_view scope, const Owner& owner) {
  if (scope == "self") {
    if (owner.user.empty()) return {};
    for (const ScopeName name : kSelf)
      add(name, Filter{Filter::Kind::user, std::string(owner.user)});
    return {};
  }
  const std::size_t mark = scope.find('!');
  const std::string_view word = scope.substr(0, mark);
  const auto name = ScopeName::parse(word);
  if (!name && !is_custom_scope(word)) return bad_scope(scope, "there is no such scope");
  Filter filter;
  if (mark != std::string_view::npos) {
    auto parsed = parse_filter(scope, scope.substr(mark + 1), owner);
    if (!parsed) return std::move(parsed).error();
    if (parsed->value.empty()) return {};
    filter = std::move(*parsed);
  }
  if (name)
    add(*name, filter);
  else
    add_once(customs_, Custom{std::string(word), std::move(filter)});
  return {};
}

void ScopeSet::add(ScopeName name, const Filter& filter) {
  Grant grant{name, filter};
  if (std::find(grants_.begin(), grants_.end(), grant) != grants_.end()) return;
  grants_.push_back(std::move(grant));
  for (const Implication& implication : kImplications)
    if (implication.name == name)
      for (const ScopeName implied : implication.implied) add(implied, filter);
}

bool ScopeSet::satisfies(ScopeName what, const Target& target) const noexcept {
  return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) {
    return grant.name == what && matches(grant.filter, target);
  });
}

bool ScopeSet::has(ScopeName what) const noexcept {
  return std::any_of(grants_.begin(), grants_.end(),
                     [&](const Grant& grant) { return grant.name == what; });
}

namespace {

template <class List>
std::string first_beyond(const List& held, const List& asked, const Membership& members) {
  for (const auto& one : asked) {
    const bool covered = std::any_of(held.begin(), held.end(), [&](const auto& grant) {
      const Filter* both =
          grant.name == one.name ? narrower(grant.filter, one.filter, members) : nullptr;
      return both != nullptr && *both == one.filter;
    });
    if (!covered) {
      if constexpr (requires { one.name.text(); })
        return text_of(one.name.text(), one.filter);
      else
        return text_of(one.name, one.filter);
    }
  }
  return {};
}

template <class List>
List common(const List& ours, const List& theirs, const Membership& members) {
  List both;
  for (const auto& a : ours)
    for (const auto& b : theirs)
      if (a.name == b.name)
        if (const Filter* filter = narrower(a.filter, b.filter, members))
          add_once(both, typename List::value_type{a.name, *filter});
  return both;
}

}  // namespace

std::string ScopeSet::beyond(const ScopeSet& asked, const Membership& members) const {
  std::string first = first_beyond(grants_, asked.grants_, members);
  return first.empty() ? first_beyond(customs_, asked.customs_, members) : first;
}

ScopeSet ScopeSet::intersection(const ScopeSet& other, const Membership& members) const {
  ScopeSet both;
  both.grants_ = common(grants_, other.grants_, members);
  both.customs_ = common(customs_, other.customs_, members);
  return both;
}

bool ScopeSet::names_groups() const noexcept {
  return std::any_of(grants_.begin(), grants_.end(),
                     [](const Grant& grant) { return grant.filter.kind == Filter::Kind::group; });
}

std::vector<std::string> ScopeSet::texts() const {
  std::vector<std::string> out;
  for (const Grant& grant : grants_) out.push_back(text_of(grant.name.text(), grant.filter));
  for (const Custom& custom : customs_) out.push_back(text_of(custom.name, custom.filter));
  std::sort(out.begin(), out.end());
  return out;
}

bool is_custom_scope(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = "custom:";
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t kLongest = 255;
  if (!name.starts_with(kPrefix) || name.size() > kLongest) return false;
  name.remove_prefix(kPrefix.size());
  return !name.empty() && kPlain.find(name.front()) != std::string_view::npos &&
         (kPlain.find(name.back()) != std::string_view::npos || name.back() == '*') &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_:.*") ==
             std::string_view::npos;
}

}  // namespace passerelle::auth
