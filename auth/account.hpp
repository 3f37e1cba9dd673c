// Account: the person a session or a token acts for, with the rights of this moment; and Life, what
// the proxy keeps of a session or token to notice at once that it has ended.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "auth/policy.hpp"
#include "base/clock.hpp"
#include "store/records.hpp"

namespace passerelle::auth {

/// Immutable and shared; a change of groups makes a new one.
struct Account {
  store::UserId id = 0;
  std::string authenticator;
  std::string subject;
  std::string username;
  std::string display_name;
  std::vector<std::string> groups;
  bool admin = false;
  bool service = false;  ///< A service of the configuration, not a person; `username` is its name.
  std::vector<std::string> scopes{"self"};  ///< What its roles give (roles.hpp).
  std::vector<std::string> roles;           ///< Their names.

  bool operator==(const Account&) const = default;
};

std::shared_ptr<const Account> make_account(const store::User& user, Admitted admitted);

/// Something that was theirs `before` is not any more: what runs on it must end.
bool lost_rights(const Account& before, const Account& after);

/// Shared by all views of one session or token. Any thread.
class Life {
 public:
  Life(Instant seen) noexcept : last_seen_(to_micros(seen)), written_(to_micros(seen)) {}

  /// False for good once it was revoked or swept; a tunnel that runs on it must end.
  bool alive() const noexcept { return !ended_.load(std::memory_order_acquire); }
  void end() noexcept { ended_.store(true, std::memory_order_release); }
  /// For the proxy, which looks at it now and then while a tunnel runs.
  const std::atomic<bool>& ended() const noexcept { return ended_; }
  Instant last_seen() const noexcept {
    return from_micros(last_seen_.load(std::memory_order_relaxed));
  }
  /// Kept to the second, so that cores do not fight over the line.
  void see(Instant now) noexcept;
  /// The last use if it is newer than what this returned before: what is still to be written down.
  std::optional<Instant> unwritten() noexcept;

 private:
  std::atomic<bool> ended_{false};
  std::atomic<std::int64_t> last_seen_;
  std::atomic<std::int64_t> written_;
};

}  // namespace passerelle::auth
