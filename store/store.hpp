// The stores: what must survive. Every call is awaited from the hub's loop; the work happens on the
// store's own threads. A write is durable (fsynced) when it returns, unless its comment says
// "batched". When the disk is full or the database is damaged, writes fail with Errc::unavailable
// and reads still work: a running server never depends on them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "store/activities.hpp"
#include "store/groups.hpp"
#include "store/records.hpp"

namespace passerelle::store {

/// The secrets behind a claimed name (auth/dummy): any one of them proves that it is the same
/// person.
struct Credential {
  std::string
      kind;  ///< "claim" (hash: SHA-256 hex of a browser's random secret) or "pin" (hash: Argon2id)
  std::string hash;
  bool operator==(const Credential&) const = default;
};

struct NewUser {
  std::string authenticator;
  std::string subject;
  std::string
      wanted_username;  ///< Any text: cleaned (store/username.hpp) and made unique by a suffix.
  std::string display_name;
  std::vector<std::string> groups;
  std::uint32_t max_users =
      0;  ///< Seats of this authenticator; 0: unlimited. Checked in the same transaction.
  std::vector<Credential> credentials;  ///< Stored only if the user is new.
};

struct Entered {
  User user;
  bool created = false;
};

class UserStore {
 public:
  virtual ~UserStore() = default;
  /// Finds the user of (authenticator, subject), or makes one; updates display name, groups and
  /// last_seen of a known one. `must_be_new`: a known one is Errc::conflict instead (somebody else
  /// took the name first). Errc::exhausted: all seats are taken.
  virtual Task<Result<Entered>> enter(NewUser user, bool must_be_new) = 0;
  virtual Task<Result<User>> find(UserId id) = 0;
  virtual Task<Result<User>> find_by_identity(std::string authenticator, std::string subject) = 0;
  virtual Task<Result<User>> find_by_name(std::string username) = 0;
  virtual Task<Result<std::vector<User>>> all() = 0;
  virtual Task<Result<std::vector<Credential>>> credentials(UserId id) = 0;
  virtual Task<Result<void>> add_credential(
      UserId id, Credential credential) = 0;  ///< Keeps the newest 8 a kind.
  /// Removes the user with sessions, tokens, credentials and server rows; Errc::not_found if there
  /// is none. The username stays reserved for the same identity: nobody else must find the files
  /// that may still carry it.
  virtual Task<Result<void>> erase(UserId id) = 0;
  /// Whether an administrator keeps them out from now on; Errc::not_found if there is no such user.
  virtual Task<Result<void>> set_blocked(UserId id, bool blocked) = 0;
  virtual Task<Result<void>> set_admin(UserId id, bool admin) = 0;  ///< Errc::not_found
  /// They were active then; an older time changes nothing.
  virtual Task<Result<void>> see(UserId id, Instant at) = 0;

  struct PageQuery {
    enum class Sort { id, name, last_activity };
    Sort sort = Sort::id;
    bool descending = false;
    std::string part_of_name;
    std::optional<std::vector<UserId>> only;  ///< None: everybody.
    std::vector<UserId> without;
    std::size_t offset = 0;
    std::size_t limit = 0;  ///< 0: all.
  };
  struct Page {
    std::vector<User> users;
    std::size_t total = 0;
  };
  virtual Task<Result<Page>> page(PageQuery query) = 0;
};

/// What belongs to (authenticator, subject) rather than to the user: further identities, and what
/// authenticators keep.
class IdentityStore {
 public:
  virtual ~IdentityStore() = default;
  /// From now on UserStore::find_by_identity and enter() find `user` for this identity too.
  /// Errc::conflict when it is somebody's already (their own, or linked), Errc::not_found without
  /// such a user.
  virtual Task<Result<void>> link(UserId user, std::string authenticator, std::string subject) = 0;
  virtual Task<Result<void>> unlink(UserId user,
                                    std::string authenticator,
                                    std::string subject) = 0;  ///< Errc::not_found
  virtual Task<Result<std::vector<LinkedIdentity>>> links_of(UserId user) = 0;
  /// `sealed` is unread here; it goes with the user. Errc::not_found for an identity that is
  /// nobody's.
  virtual Task<Result<void>> put_state(std::string authenticator,
                                       std::string subject,
                                       std::string sealed) = 0;
  virtual Task<Result<std::string>> state(std::string authenticator,
                                          std::string subject) = 0;  ///< Errc::not_found
  virtual Task<Result<void>> erase_state(std::string authenticator,
                                         std::string subject) = 0;  ///< Absent is success.
};

/// Values that count once: the nonces of signed launches. Bounded by their time and by `most`.
class NonceStore {
 public:
  virtual ~NonceStore() = default;
  /// True the first time within `scope`, false if it was used before; remembered until `until`,
  /// durably. Forgets what is over. Errc::exhausted when `scope` holds `most` of them already.
  virtual Task<Result<bool>> use(
      std::string scope, std::string nonce, Instant now, Instant until, std::size_t most) = 0;
};

class SessionStore {
 public:
  virtual ~SessionStore() = default;
  virtual Task<Result<void>> put(Session session) = 0;
  virtual Task<Result<std::vector<Session>>> all() = 0;  ///< Unexpired ones, at start.
  virtual Task<Result<std::vector<Session>>> of_user(UserId user) = 0;
  virtual Task<Result<void>> erase(std::string id) = 0;  ///< Absent is success.
  virtual Task<Result<void>> erase_of_user(UserId user, std::string except_id) = 0;
  virtual Task<Result<void>> touch(
      std::vector<std::pair<std::string, Instant>> seen) = 0;  ///< Batched.
  virtual Task<Result<std::size_t>> erase_expired(Instant now, Instant idle_before) = 0;
};

class TokenStore {
 public:
  virtual ~TokenStore() = default;
  virtual Task<Result<void>> put(ApiToken token) = 0;
  virtual Task<Result<ApiToken>> find_by_hash(std::string hash) = 0;
  virtual Task<Result<std::vector<ApiToken>>> all() = 0;
  virtual Task<Result<std::vector<ApiToken>>> of_user(UserId user) = 0;
  virtual Task<Result<void>> erase(std::string id) = 0;  ///< Absent: Errc::not_found.
  virtual Task<Result<void>> touch(
      std::vector<std::pair<std::string, Instant>> used) = 0;  ///< By id. Batched.
};

class ServerStore {
 public:
  virtual ~ServerStore() = default;
  virtual Task<Result<std::vector<ServerRecord>>> all() = 0;
  virtual Task<Result<ServerRecord>> find(UserId user, std::string name) = 0;
  virtual Task<Result<void>> put(ServerRecord record) = 0;              ///< By (user, name).
  virtual Task<Result<void>> erase(UserId user, std::string name) = 0;  ///< Absent is success.
  struct Activity {
    UserId user = 0;
    std::string name;
    Instant at{};
  };
  /// Batched: reads see it after the next write or a second; an older time never replaces a newer
  /// one, nor does put's.
  virtual Task<Result<void>> touch(std::vector<Activity> activity) = 0;
};

class AuditLog {
 public:
  virtual ~AuditLog() = default;
  /// Batched: committed with the next write or within a second. Never fails the caller: what cannot
  /// be written now is kept (the newest 10,000) and written when the database takes it; the same
  /// line always goes to the log at once.
  virtual void append(AuditEvent event) = 0;
  struct Query {
    std::string actor, action, target;  ///< Empty: any.
    std::int64_t before_id = 0;         ///< 0: from the newest.
    std::size_t limit = 100;            ///< At most 1000.
  };
  virtual Task<Result<std::vector<AuditEvent>>> query(
      Query query) = 0;  ///< Newest first; sees all that was appended.
};

/// All stores of one database.
class Store {
 public:
  virtual ~Store() = default;
  virtual UserStore& users() = 0;
  virtual IdentityStore& identities() = 0;
  virtual NonceStore& nonces() = 0;
  virtual ActivityStore& activities() = 0;
  virtual KeptStore& kept() = 0;
  virtual GroupStore& groups() = 0;
  virtual SessionStore& sessions() = 0;
  virtual TokenStore& tokens() = 0;
  virtual ServerStore& servers() = 0;
  virtual AuditLog& audit() = 0;
  /// Whether the last durable write succeeded; a failed one is tried again every few seconds. Any
  /// thread.
  virtual bool writable() const noexcept = 0;
};

/// Opens (or makes, mode 0600) the SQLite database, copies it aside before a migration, migrates it
/// forward. Blocking; for start-up and commands. Errc::invalid for a database of a newer version or
/// a damaged one.
Result<std::unique_ptr<Store>> open_sqlite(const std::string& path);

}  // namespace passerelle::store
