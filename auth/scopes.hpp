// Scopes: JupyterHub's names for what can be done, with filters that say to whom. Parsing,
// implication, matching. Who holds which scopes is permissions.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace passerelle::auth {

/// Every scope of JupyterHub 5 and 6 that stands for an action; and ours, named as JupyterHub
/// wants it of those it does not know.
inline constexpr std::string_view kScopeNames[] = {"admin-ui",
                                                   "admin:users",
                                                   "admin:auth_state",
                                                   "users",
                                                   "delete:users",
                                                   "list:users",
                                                   "read:users",
                                                   "read:users:name",
                                                   "read:users:groups",
                                                   "read:users:activity",
                                                   "read:roles",
                                                   "read:roles:users",
                                                   "read:roles:services",
                                                   "read:roles:groups",
                                                   "users:activity",
                                                   "admin:servers",
                                                   "admin:server_state",
                                                   "servers",
                                                   "start:servers",
                                                   "read:servers",
                                                   "delete:servers",
                                                   "tokens",
                                                   "read:tokens",
                                                   "admin:groups",
                                                   "groups",
                                                   "list:groups",
                                                   "read:groups",
                                                   "read:groups:name",
                                                   "delete:groups",
                                                   "admin:services",
                                                   "list:services",
                                                   "read:services",
                                                   "read:services:name",
                                                   "read:hub",
                                                   "access:servers",
                                                   "access:services",
                                                   "proxy",
                                                   "shutdown",
                                                   "read:metrics",
                                                   "shares",
                                                   "read:shares",
                                                   "users:shares",
                                                   "groups:shares",
                                                   "read:users:shares",
                                                   "read:groups:shares",
                                                   "custom:lti:grade"};

/// One of kScopeNames. A misspelt literal does not compile.
class ScopeName {
 public:
  consteval ScopeName(const char* literal) : index_(require(literal)) {}
  static std::optional<ScopeName> parse(std::string_view text) noexcept;

  std::string_view text() const noexcept { return kScopeNames[index_]; }
  bool operator==(const ScopeName&) const = default;

 private:
  explicit constexpr ScopeName(std::uint8_t index) : index_(index) {}
  static constexpr std::optional<std::uint8_t> find(std::string_view text) noexcept {
    for (std::uint8_t i = 0; i < std::size(kScopeNames); ++i)
      if (kScopeNames[i] == text) return i;
    return std::nullopt;
  }
  static consteval std::uint8_t require(std::string_view literal) { return find(literal).value(); }

  std::uint8_t index_;
};

/// To whom a scope applies. `server` holds "user/server", the default server's name being empty:
/// "alice/".
struct Filter {
  enum class Kind { none, user, group, server, service };
  Kind kind = Kind::none;
  std::string value;
  bool operator==(const Filter&) const = default;
};

/// What is acted on. `none` is the whole collection: creating somebody, listing everybody, the hub
/// itself.
struct Target {
  enum class Kind { none, user, server, group, service };
  Kind kind = Kind::none;
  std::string_view user;                             ///< user, server
  std::string_view server;                           ///< server
  std::string_view group;                            ///< group
  const std::vector<std::string>* groups = nullptr;  ///< Of the user; null: none known.
  bool admin = false;             ///< The user is an administrator, or becomes one by this action.
  std::string_view service = {};  ///< service

  static Target of_user(std::string_view user, const std::vector<std::string>& groups, bool admin) {
    return {Kind::user, user, {}, {}, &groups, admin};
  }
  static Target of_server(std::string_view user,
                          std::string_view server,
                          const std::vector<std::string>& groups) {
    return {Kind::server, user, server, {}, &groups, false};
  }
  static Target of_group(std::string_view group) {
    return {Kind::group, {}, {}, group, nullptr, false};
  }
  static Target of_service(std::string_view service) {
    return {Kind::service, {}, {}, {}, nullptr, false, service};
  }
};

/// Whose scopes they are, for filters that only say "of the owner". An empty part: there is none,
/// and a scope that rests on it opens nothing.
struct Owner {
  std::string_view user;
  std::string_view server = {};  ///< "user/server": of a server's own token.
  std::string_view service = {};
};

/// Whether that user is in that group. Empty: nobody can be asked, and nobody is.
using Membership = std::function<bool(std::string_view user, std::string_view group)>;

/// Scopes after implication: "servers" is also "read:servers", and so on.
class ScopeSet {
 public:
  struct Grant {
    ScopeName name;
    Filter filter;
    bool operator==(const Grant&) const = default;
  };
  /// "custom:...": means nothing to us; services ask for it. Which exist is the configuration's.
  struct Custom {
    std::string name;
    Filter filter;
    bool operator==(const Custom&) const = default;
  };

  /// Adds "name", "name!user=x" (group, server=x/s, service), or owner-relative "name!user",
  /// "name!server", "name!service", with all that it implies; "self" is what everybody may do to
  /// what is theirs. Errc::invalid names the trouble. ("inherit" is no scope but a rule:
  /// permissions.hpp.)
  Result<void> add(std::string_view scope, const Owner& owner);
  Result<void> add(std::string_view scope, std::string_view user) {
    return add(scope, Owner{user});
  }
  void add(ScopeName name, const Filter& filter);

  /// A filtered scope never answers for the whole collection (GHSA-69wv-m5fw-2fhp).
  bool satisfies(ScopeName what, const Target& target) const noexcept;
  /// Held at all, filtered or not: then a list can be asked for, and shows what the filters let.
  bool has(ScopeName what) const noexcept;
  /// The first scope of `asked` that whoever has these may not pass on, as text; empty if there is
  /// none. A scope for a group covers its members one by one as far as `members` knows them.
  std::string beyond(const ScopeSet& asked, const Membership& members) const;
  /// What both allow. Two different groups have no common filter that could be written down, so
  /// nothing of theirs is in it; satisfies() of both, one after the other, is exact.
  ScopeSet intersection(const ScopeSet& other, const Membership& members) const;
  /// The users and groups that intersection() and beyond() may ask `members` about.
  bool names_groups() const noexcept;
  const std::vector<Grant>& grants() const noexcept { return grants_; }
  const std::vector<Custom>& customs() const noexcept { return customs_; }
  /// "read:users!user=alice": as JupyterHub writes them, sorted.
  std::vector<std::string> texts() const;

 private:
  std::vector<Grant> grants_;
  std::vector<Custom> customs_;
};

/// "custom:" and what JupyterHub takes behind it: a-z, 0-9 and "-_:.*" inside, at most 255 bytes.
bool is_custom_scope(std::string_view name) noexcept;

}  // namespace passerelle::auth
