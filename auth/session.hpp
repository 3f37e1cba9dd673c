// SessionTable: which browser is signed in as whom. Proxy threads ask verify() on every request;
// everything else is called on the hub's loop. The store holds what survives a restart; the table
// in memory decides.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "auth/account.hpp"
#include "auth/csrf.hpp"
#include "auth/permissions.hpp"
#include "auth/policy.hpp"
#include "auth/secret_table.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"
#include "config/settings.hpp"
#include "store/store.hpp"

namespace passerelle::auth {

/// One signed-in browser. Immutable but for its life.
struct SessionView : TableView {
  std::string id;  ///< SHA-256 (hex) of the secret; to list and revoke. Not secret, but show its
                   ///< start only.
  secrets::Digest key{};  ///< The same, as the table's key.
  Principal principal;    ///< Asked by permissions.hpp; principal.account is the person.
  std::string csrf;       ///< For forms and for our own scripts.
  Instant created{};
  Instant expires{};  ///< Absolute end; an idle session ends sooner.
  std::string user_agent;
  std::string peer;
  std::string authenticator;  ///< The identity that signed in: the account's own, or a linked one.
  std::string subject;
  std::string provider_session;  ///< SignedIn::provider_session
  std::string before;            ///< Issue::before
  std::string framed_by;  ///< What FramedBy said when the session began, or the gateway started.
  std::shared_ptr<Life> life;

  const Account& account() const noexcept { return *principal.account; }
};

using SessionPointer = std::shared_ptr<const SessionView>;

class SessionTable {
 public:
  /// All outlive the table.
  SessionTable(store::SessionStore& store,
               const Csrf& csrf,
               const Clock& clock,
               config::Sessions times);

  /// Sites whose pages may show a session's servers in a frame, as CSP writes them; empty: what the
  /// servers say counts.
  using FramedBy = std::function<std::string(const SessionView& session)>;
  /// Before load().
  void ask_frames(FramedBy framed_by) { ask_frames_ = std::move(framed_by); }

  /// At start: the stored sessions of these users, without those whom `policy` refuses by now (they
  /// are erased).
  Task<Result<std::size_t>> load(std::vector<store::User> users, const Policy& policy);

  struct Issue {
    std::shared_ptr<const Account> account;
    std::optional<Instant> until;  ///< The session ends no later.
    std::string user_agent;        ///< Cut to 200 bytes.
    std::string peer;
    std::string authenticator;  ///< The identity that signed in; empty: the account's own.
    std::string subject;
    std::string provider_session;
    /// An open session of the same person in the same browser that stays open, so that what still
    /// runs on it goes on; it ends with this one at the latest. Empty: none. Not stored.
    std::string before;
    std::string sealed_hint;  ///< For the provider's sign-out: stored, not kept in memory.
  };
  struct Issued {
    std::string secret;  ///< For the cookie; nobody can read it again.
    SessionPointer session;
    seconds lasts{0};
  };
  /// Called for each session that ends, whatever ends it, before the store knows. The hub's loop.
  std::function<void(const SessionView&)> on_end;
  /// Whether there is a session of that id.
  bool open(const std::string& id) const;

  /// A new secret each time; durable when it returns. Beyond 32 sessions of one person the one
  /// unused for longest ends. Errc::conflict: the person's sessions were revoked meanwhile.
  Task<Result<Issued>> issue(Issue request);

  /// The session of this cookie value, or null. Any thread; never waits, never asks the store.
  /// Counts as use.
  SessionPointer verify(std::string_view secret) const;
  /// The same by the session's key, for who has proved otherwise that it may have it.
  SessionPointer verify_key(const secrets::Digest& key) const;
  /// The same for one that was found before and is still current().
  SessionPointer verify_again(SessionPointer session) const;

  /// Ends it, and those that went before it, at once, on all threads; then in the store. An erasure
  /// that fails there is tried again by sweep(): the error says that a restart before then would
  /// bring the session back.
  Task<Result<void>> revoke(std::string id);
  /// All sessions of a user, but for `except_id` (may be empty).
  Task<Result<void>> revoke_user(store::UserId user, std::string except_id);
  /// Those that this authenticator opened and that match both, as far as they are not empty; with
  /// both empty none. How many ended.
  Task<Result<std::size_t>> revoke_of_provider(std::string authenticator,
                                               std::string subject,
                                               std::string provider_session);
  /// What issue() was given; empty if there is nothing.
  Task<std::string> sealed_hint(SessionPointer session);
  /// Groups or rights have changed: open sessions go on with the new ones. What still runs on them
  /// is cut if there are fewer.
  void update(std::shared_ptr<const Account> account);

  std::vector<SessionPointer> of_user(store::UserId user) const;  ///< Newest first.
  std::vector<SessionPointer> all() const;
  std::size_t size() const { return table_.size(); }

  /// Every minute or so: ends the expired ones, writes down when the others were last used. The
  /// number that ended.
  Task<Result<std::size_t>> sweep();

 private:
  struct Issuing {
    store::UserId user;
    bool cancelled = false;
  };

  bool expired(const SessionView& session, Instant now) const noexcept;
  std::shared_ptr<SessionView> make_view(const store::Session& row,
                                         const secrets::Digest& key,
                                         std::shared_ptr<const Account> account) const;
  void add(SessionPointer session);
  void drop(const SessionView& session);
  Task<Result<void>> erase_stored(std::string id);
  Task<void> make_room(store::UserId user);

  store::SessionStore& store_;
  const Csrf& csrf_;
  const Clock& clock_;
  const config::Sessions times_;
  FramedBy ask_frames_;
  SecretTable<SessionView> table_;
  // The hub loop's own: by user, what is being issued, and erasures that the store still owes us.
  std::unordered_map<store::UserId, std::vector<SessionPointer>> by_user_;
  std::vector<std::shared_ptr<Issuing>> issuing_;
  std::deque<std::string> owed_;
};

}  // namespace passerelle::auth
