// Scopes: JupyterHub's names for what can be done, with filters that say to whom. Parsing,
// implication, matching. Who holds which scopes is permissions.hpp.
#pragma once

#include <cstdint>
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
  enum class Kind { none, user, group, server };
  Kind kind = Kind::none;
  std::string value;
  bool operator==(const Filter&) const = default;
};

/// What is acted on. `none` is the whole collection: creating somebody, listing everybody, the hub
/// itself.
struct Target {
  enum class Kind { none, user, server, group };
  Kind kind = Kind::none;
  std::string_view user;                             ///< user, server
  std::string_view server;                           ///< server
  std::string_view group;                            ///< group
  const std::vector<std::string>* groups = nullptr;  ///< Of the user; null: none known.
  bool admin = false;  ///< The user is an administrator, or becomes one by this action.

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
};

/// Scopes after implication: "servers" is also "read:servers", and so on.
class ScopeSet {
 public:
  struct Grant {
    ScopeName name;
    Filter filter;
    bool operator==(const Grant&) const = default;
  };

  /// Adds "name", "name!user=x", "name!group=g", "name!server=x/s", or owner-relative "name!user",
  /// with all that it implies; "self" is what everybody may do to what is theirs. Errc::invalid
  /// names the trouble. ("inherit" is no scope but a rule: permissions.hpp.)
  Result<void> add(std::string_view scope, std::string_view owner);
  void add(ScopeName name, const Filter& filter);

  /// A filtered scope never answers for the whole collection (GHSA-69wv-m5fw-2fhp).
  bool satisfies(ScopeName what, const Target& target) const noexcept;
  /// Whether whoever has these may pass `grant` on. Group membership is not looked up: a group's
  /// scope covers that group only, not its members one by one.
  bool covers(const Grant& grant) const noexcept;
  const std::vector<Grant>& grants() const noexcept { return grants_; }
  /// "read:users!user=alice": as JupyterHub writes them, sorted.
  std::vector<std::string> texts() const;

 private:
  std::vector<Grant> grants_;
};

}  // namespace passerelle::auth
