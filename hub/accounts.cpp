#include "hub/accounts.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>

#include "hub/sharing.hpp"
#include "store/username.hpp"

namespace passerelle::hub {
namespace {

void record(Parts& parts, const Actor& actor, std::string action, const std::string& username) {
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = actor.name;
  event.action = std::move(action);
  event.target = "user/" + username;
  event.result = "ok";
  event.peer = actor.peer;
  parts.store.audit().append(std::move(event));
}

Task<Result<store::User>> make_user(Parts& parts, std::string name, std::string authenticator) {
  store::NewUser user;
  user.authenticator =
      authenticator.empty() ? parts.authenticators.front()->name() : std::move(authenticator);
  user.subject = name;
  user.wanted_username = name;
  user.display_name = std::move(name);
  auto entered = co_await parts.store.users().enter(std::move(user), true);
  if (!entered) co_return std::move(entered).error();
  co_return std::move(entered->user);
}

Task<Result<void>> end_servers(Parts& parts, const store::User& user, const Actor& actor) {
  for (const ServerPtr& server : parts.launcher.of_user(user.id)) {
    StopRequest request;
    request.by = "admin";
    request.actor = actor.name;
    request.peer = actor.peer;
    auto stopped = co_await parts.launcher.stop(server->key(), std::move(request));
    if (!stopped) co_return stopped;
    auto forgotten = co_await parts.launcher.forget(server->key());
    if (!forgotten) co_return forgotten;
  }
  co_return Result<void>();
}

}  // namespace

bool good_username(const std::string& name) {
  return !name.empty() && store::clean_username(name) == name;
}

namespace {

/// One of many: nothing if that name is somebody's already.
Task<Result<std::optional<store::User>>> make_one(Parts& parts,
                                                  std::string name,
                                                  std::string method,
                                                  bool admin) {
  using Made = std::optional<store::User>;
  const auto known = co_await parts.store.users().find_by_name(name);
  if (known) co_return Made();
  if (known.error().code() != Errc::not_found) co_return known.error();
  auto user = co_await make_user(parts, std::move(name), std::move(method));
  if (!user && user.error().code() == Errc::conflict) co_return Made();
  if (!user) co_return std::move(user).error();
  if (admin) {
    auto done = co_await parts.store.users().set_admin(user->id, true);
    if (!done) co_return std::move(done).error();
    user->admin = true;
  }
  co_return Made(std::move(*user));
}

struct Batch {
  explicit Batch(asio::io_context& loop, std::size_t count)
      : made(count, std::optional<store::User>()),
        left(count),
        done(loop, asio::steady_timer::time_point::max()) {}
  std::vector<Result<std::optional<store::User>>> made;
  std::size_t left;
  asio::steady_timer done;
};

/// All at the same time, so that the store's writer pays for them together, with one fsync or two.
Task<std::shared_ptr<Batch>> make_together(Parts& parts,
                                           std::vector<std::string> names,
                                           const NewUsers& wanted) {
  auto batch = std::make_shared<Batch>(parts.loop, names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto one = make_one(parts, std::move(names[i]), wanted.authenticator, wanted.admin);
    asio::co_spawn(
        parts.loop, std::move(one),
        [batch, i](const std::exception_ptr& thrown, Result<std::optional<store::User>> user) {
          batch->made[i] = thrown ? Result<std::optional<store::User>>(
                                        Error(Errc::internal, "a user could not be made"))
                                  : std::move(user);
          if (--batch->left == 0) batch->done.cancel();
        });
  }
  boost::system::error_code ignored;
  while (batch->left > 0)
    co_await batch->done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_return batch;
}

}  // namespace

Task<Result<std::vector<store::User>>> make_users(Parts& parts, NewUsers wanted, Actor actor) {
  constexpr std::size_t kTogether = 500;
  std::vector<store::User> made;
  for (std::size_t at = 0; at < wanted.names.size(); at += kTogether) {
    const auto first = wanted.names.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(kTogether, wanted.names.size() - at);
    std::vector<std::string> names(first, first + static_cast<std::ptrdiff_t>(count));
    const auto batch = co_await make_together(parts, std::move(names), wanted);
    std::optional<Error> failed;
    for (auto& user : batch->made) {
      if (!user) failed = std::move(user).error();
      if (!user || !*user) continue;
      record(parts, actor, "user-create", (*user)->username);
      made.push_back(std::move(**user));
    }
    if (failed) co_return std::move(*failed);
  }
  if (made.empty())
    co_return Error(Errc::conflict,
                    "All " + std::to_string(wanted.names.size()) + " users already exist");
  co_return made;
}

namespace {

Task<Result<void>> end_rights(Parts& parts, store::UserId id) {
  parts.tokens.forget_user(id);
  auto out = co_await parts.sessions.revoke_user(id, "");
  co_return out;
}

}  // namespace

// They may be at work at this moment, and come back at once: rights end first, so that nothing new
// begins, and again when the user is gone, for who signed in meanwhile.
Task<Result<void>> remove_user(Parts& parts, store::User user, Actor actor) {
  for (const ServerPtr& server : parts.launcher.of_user(user.id))
    if (server->record.phase == store::Phase::stopping)
      co_return Error(Errc::conflict,
                      user.username + "'s server is in the process of stopping, please wait.");
  auto out = co_await end_rights(parts, user.id);
  if (!out) co_return out;
  auto ended = co_await end_servers(parts, user, actor);
  if (!ended) co_return ended;
  auto unshared = co_await revoke_shares_of_user(parts, user.username);
  if (!unshared) co_return unshared;
  auto erased = co_await parts.store.users().erase(user.id);
  if (!erased) co_return erased;
  record(parts, actor, "user-delete", user.username);
  auto out_again = co_await end_rights(parts, user.id);
  if (!out_again) co_return out_again;
  auto ended_again = co_await end_servers(parts, user, actor);
  co_return ended_again;
}

Task<Result<store::User>> reload_rights(Parts& parts, store::UserId id) {
  auto user = co_await parts.store.users().find(id);
  if (!user) co_return user;
  auth::Admission admission = parts.policy.admit(*user);
  if (auto* admitted = std::get_if<auth::Admitted>(&admission)) {
    const auto account = auth::make_account(*user, std::move(*admitted));
    parts.sessions.update(account);
    parts.tokens.update(account);
  }
  co_return user;
}

Task<Result<store::User>> set_admin(Parts& parts, store::User user, bool admin, Actor actor) {
  auto done = co_await parts.store.users().set_admin(user.id, admin);
  if (!done) co_return std::move(done).error();
  record(parts, actor, admin ? "admin-grant" : "admin-revoke", user.username);
  auto reloaded = co_await reload_rights(parts, user.id);
  co_return reloaded;
}

}  // namespace passerelle::hub
