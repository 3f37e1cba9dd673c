// What the store keeps, as plain records. Times are wall-clock; ids of rows are never reused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cause.hpp"
#include "base/clock.hpp"

namespace passerelle::store {

using UserId = std::int64_t;

/// A person. Identified by (authenticator, subject) only; `username` is derived, unique, and never
/// changes hands.
struct User {
  UserId id = 0;
  std::string authenticator;
  std::string subject;
  std::string
      username;  ///< [a-z0-9][a-z0-9._-]*, at most 64: safe in URLs, paths and as a process name.
  std::string display_name;
  std::vector<std::string> groups;  ///< All: what the sign-in says, and what was added here.
  Instant created{};
  Instant last_seen{};
  std::optional<Instant> blocked;  ///< Since when an administrator keeps them out; none: not so.
  bool admin = false;  ///< Made one by an administrator; the configuration may make more.
  std::vector<std::string> told_groups;  ///< What the sign-in says alone.
};

/// One of a user's further identities: an administrator said that it is the same person.
struct LinkedIdentity {
  std::string authenticator;
  std::string subject;
  Instant linked{};
  bool operator==(const LinkedIdentity&) const = default;
};

/// A signed-in browser. `id` is the SHA-256 (hex) of the cookie's secret: the secret itself is
/// never stored.
struct Session {
  std::string id;
  UserId user = 0;
  Instant created{};
  Instant last_seen{};        ///< Batched: may be a minute old after a crash.
  Instant expires{};          ///< Absolute end.
  std::string user_agent;     ///< For "your devices", cut to 200 bytes.
  std::string peer;           ///< Address at sign-in.
  std::string authenticator;  ///< The identity that signed in: the user's own or a linked one.
  std::string subject;
  std::string provider_session;  ///< The provider's name for this sign-in; empty: none.
  std::string
      sealed_hint;  ///< For the provider's sign-out, sealed (purpose "sign-out-hint"); empty: none.
};

struct ApiToken {
  std::string id;    ///< Public short id, to list and revoke.
  std::string hash;  ///< SHA-256 (hex) of the token.
  UserId user = 0;
  std::vector<std::string>
      scopes;  ///< JupyterHub's names, with filters; "inherit": all that the user may.
  std::string note;
  Instant created{};
  std::optional<Instant> expires;
  std::optional<Instant> last_used;  ///< Batched.
  std::string session{};  ///< It ends with this session (Session::id); empty: it stands alone.
  std::string client{};   ///< Whom it was given to by OAuth; empty: its owner made it.
};

enum class Phase { pending, running, stopping, stopped };

std::string_view to_string(Phase phase) noexcept;
std::optional<Phase> phase_from_string(std::string_view text) noexcept;

/// One server of a user; the row stays when it stops (what was chosen, why it ended) until the user
/// removes it.
struct ServerRecord {
  UserId user = 0;
  std::string name;  ///< Empty: the default server.
  Phase phase = Phase::stopped;
  std::string launch_id;  ///< Of the current or last launch; 16 hex digits.
  std::string profile;
  std::map<std::string, std::string> values;  ///< The profile form's answers.
  std::string spawner;
  std::string state;          ///< The spawner's own, unread by the hub.
  std::string upstream;       ///< base/upstream.hpp's text, once known.
  std::string sealed_secret;  ///< The upstream's token, sealed (purpose "server-secret").
  std::optional<Instant> started;
  Instant last_activity{};  ///< Batched.
  std::optional<Instant> ended;
  std::optional<Cause>
      cause;  ///< Why the last launch failed or the server ended; none: stopped by its user.
  std::string detail;  ///< The sentence and log lines behind the cause.
  std::optional<int> exit_code;
  std::string error_id;  ///< Stands in the log and on the failure page.
  std::string ended_by;  ///< "user", "admin", "cull", "self" (it ended), "launch" (it never came
                         ///< up), "exit"
};

struct AuditEvent {
  std::int64_t id = 0;  ///< Given by the store.
  Instant at{};
  std::string
      actor;  ///< username, "token:<id>", "gateway", or what somebody typed at sign-in (cut)
  std::string action;  ///< "sign-in", "sign-out", "launch", "server-stop", "token-create", ...
  std::string target;  ///< "user/alice/", "session/ab12.."
  std::string result;  ///< "ok", "refused", "failed"
  std::string cause;   ///< Cause code or short reason; empty if ok
  std::string error_id;
  std::string detail;
  std::string peer;
};

}  // namespace passerelle::store
