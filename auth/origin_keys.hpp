// OriginKeys: what a browser holds at a person's own origin (hub/origins.hpp) instead of its
// session's cookie, which stays at the hub's. A key names the session and one label, and is worth
// nothing at any other: pages of one person's notebooks can never use what was given out for
// another's. It needs no place in the store and ends with its session.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/session.hpp"

namespace passerelle::auth {

/// Any thread. A thread that has seen a key answers from its own small cache; a new one costs an
/// HMAC and a search in the table.
class OriginKeys {
 public:
  /// `secret`: 32 bytes that survive a restart. The table outlives it.
  OriginKeys(const SessionTable& sessions, std::string secret);

  /// For the cookie; 64 characters. `label` in lower case.
  std::string make(const SessionView& session, std::string_view label) const;
  /// The session, or null: no key of ours, of another label, or its session is over. Counts as use.
  SessionPointer verify(std::string_view key, std::string_view label) const;

 private:
  std::string mark(std::string_view session_key, std::string_view label) const;
  SessionPointer look_up(std::string_view key, std::string_view label) const;

  const SessionTable& sessions_;
  const std::string secret_;
  const std::uint64_t id_;  ///< Tells its entries in a thread's cache from another one's.
};

}  // namespace passerelle::auth
