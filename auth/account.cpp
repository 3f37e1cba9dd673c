#include "auth/account.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace passerelle::auth {

std::shared_ptr<const Account> make_account(const store::User& user, Admitted admitted) {
  auto account = std::make_shared<Account>();
  account->id = user.id;
  account->authenticator = user.authenticator;
  account->subject = user.subject;
  account->username = user.username;
  account->display_name = user.display_name;
  account->groups = std::move(admitted.groups);
  account->admin = admitted.admin;
  account->scopes = std::move(admitted.scopes);
  account->roles = std::move(admitted.roles);
  return account;
}

bool lost_rights(const Account& before, const Account& after) {
  if (before.admin && !after.admin) return true;
  const std::set<std::string_view> left(after.scopes.begin(), after.scopes.end());
  return std::any_of(before.scopes.begin(), before.scopes.end(),
                     [&](const std::string& scope) { return !left.contains(scope); });
}

void Life::see(Instant now) noexcept {
  constexpr std::int64_t kSecond = 1'000'000;
  const std::int64_t at = to_micros(now);
  if (at - last_seen_.load(std::memory_order_relaxed) >= kSecond)
    last_seen_.store(at, std::memory_order_relaxed);
}

std::optional<Instant> Life::unwritten() noexcept {
  const std::int64_t seen = last_seen_.load(std::memory_order_relaxed);
  if (written_.exchange(seen, std::memory_order_relaxed) == seen) return std::nullopt;
  return from_micros(seen);
}

}  // namespace passerelle::auth
