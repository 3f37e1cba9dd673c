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
  }
  return false;
}

bool covers(const Filter& held, const Filter& asked) noexcept {
  if (held.kind == Filter::Kind::none || held == asked) return true;
  return held.kind == Filter::Kind::user && asked.kind == Filter::Kind::server &&
         asked.value.starts_with(held.value) &&
         asked.value.substr(held.value.size()).starts_with('/');
}

Error bad_scope(std::string_view scope, std::string_view why) {
  return Error(Errc::invalid,
               "scope \"" + std::string(scope.substr(0, 100)) + "\": " + std::string(why));
}

Result<Filter> parse_filter(std::string_view scope, std::string_view text, std::string_view owner) {
  const std::size_t equals = text.find('=');
  const std::string_view kind = text.substr(0, equals);
  if (equals == std::string_view::npos) {
    if (kind != "user")
      return bad_scope(scope, "the filter needs a value; only !user means the owner");
    return Filter{Filter::Kind::user, std::string(owner)};
  }
  const std::string_view value = text.substr(equals + 1);
  if (value.empty() || value.find_first_of("!=") != std::string_view::npos)
    return bad_scope(scope, "the filter's value is not a name");
  if (kind == "user") return Filter{Filter::Kind::user, std::string(value)};
  if (kind == "group") return Filter{Filter::Kind::group, std::string(value)};
  if (kind != "server") return bad_scope(scope, "filters are !user, !group and !server");
  const std::size_t slash = value.find('/');
  if (slash == 0 || slash == std::string_view::npos)
    return bad_scope(scope, "a server is written user/name, the default one user/");
  return Filter{Filter::Kind::server, std::string(value)};
}

}  // namespace

std::optional<ScopeName> ScopeName::parse(std::string_view text) noexcept {
  const auto index = find(text);
  if (!index) return std::nullopt;
  return ScopeName(*index);
}

Result<void> ScopeSet::add(std::string_view scope, std::string_view owner) {
  if (scope == "self") {
    for (const ScopeName name : kSelf) add(name, Filter{Filter::Kind::user, std::string(owner)});
    return {};
  }
  const std::size_t mark = scope.find('!');
  const auto name = ScopeName::parse(scope.substr(0, mark));
  if (!name) return bad_scope(scope, "there is no such scope");
  if (mark == std::string_view::npos) {
    add(*name, Filter{});
    return {};
  }
  auto filter = parse_filter(scope, scope.substr(mark + 1), owner);
  if (!filter) return std::move(filter).error();
  add(*name, *filter);
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

bool ScopeSet::covers(const Grant& asked) const noexcept {
  return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) {
    return grant.name == asked.name && auth::covers(grant.filter, asked.filter);
  });
}

std::vector<std::string> ScopeSet::texts() const {
  std::vector<std::string> out;
  for (const Grant& grant : grants_) {
    std::string text(grant.name.text());
    if (grant.filter.kind == Filter::Kind::user) text += "!user=";
    if (grant.filter.kind == Filter::Kind::group) text += "!group=";
    if (grant.filter.kind == Filter::Kind::server) text += "!server=";
    out.push_back(text + grant.filter.value);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace passerelle::auth
