// Refresher: asks authenticators again about people who are in already, before a launch and when a
// session has grown old, and lets the answer count at once: groups, administration, and whether
// they may stay.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "auth/session.hpp"
#include "auth/state.hpp"
#include "auth/tokens.hpp"

namespace passerelle::auth {

/// The hub's loop only.
class Refresher {
 public:
  struct Parts {
    store::UserStore& users;
    store::AuditLog& audit;
    SessionTable& sessions;
    TokenTable& tokens;
    const Policy& policy;
    States& states;
    const Clock& clock;
    /// The authenticator of that name, or null: the configuration has it no more.
    std::function<Authenticator*(std::string_view name)> find;
    seconds age{0};  ///< What is younger is not asked again by refresh_old; 0: never asked there.
  };
  explicit Refresher(Parts parts) : parts_(std::move(parts)) {}

  /// Asks now; who comes while the same identity is being asked gets the same answer (refresh
  /// tokens are good once). The user as they are now. Errc::forbidden: they may not stay; their
  /// sessions have ended and their tokens rest. Any other error: could not tell, nothing has
  /// changed.
  Task<Result<store::User>> refresh(std::string authenticator, std::string subject);

  /// Somebody has just signed in: that counts as asked.
  void seen(const std::string& authenticator, const std::string& subject);

  /// Asks about everybody whose session was used since they were last asked longer ago than `age`,
  /// a few at a time. Called every minute or so; returns when all is done.
  Task<void> refresh_old();

  /// The person may not stay: sessions and tokens end at once.
  Task<void> put_out(store::User user, std::string_view reason);

  /// Told after somebody was put out; set once, before anything else.
  std::function<void(const store::User& user, std::string_view reason)> on_put_out;

 private:
  using Key = std::pair<std::string, std::string>;
  struct Flight;

  Task<Result<store::User>> ask(Key key);
  Task<Result<store::User>> take_over(store::User user, Known before, Known after);
  void record(const store::User& user, std::string result, std::string cause);

  Parts parts_;
  std::map<Key, std::shared_ptr<Flight>> under_way_;
  std::map<Key, Instant> asked_;
};

}  // namespace passerelle::auth
