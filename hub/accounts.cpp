#include "hub/accounts.hpp"

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
  const auto servers = parts.launcher.of_user(user.id);
  for (const ServerPtr& server : servers)
    if (server->record.phase == store::Phase::stopping)
      co_return Error(Errc::conflict,
                      user.username + "'s server is in the process of stopping, please wait.");
  for (const ServerPtr& server : servers) {
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

Task<Result<std::vector<store::User>>> make_users(Parts& parts, NewUsers wanted, Actor actor) {
  std::vector<store::User> made;
  for (const std::string& name : wanted.names) {
    const auto known = co_await parts.store.users().find_by_name(name);
    if (known) continue;
    if (known.error().code() != Errc::not_found) co_return known.error();
    std::string wanted_name = name;
    std::string method = wanted.authenticator;
    auto user = co_await make_user(parts, std::move(wanted_name), std::move(method));
    if (!user && user.error().code() == Errc::conflict) continue;
    if (!user) co_return std::move(user).error();
    if (wanted.admin) {
      auto done = co_await parts.store.users().set_admin(user->id, true);
      if (!done) co_return std::move(done).error();
      user->admin = true;
    }
    record(parts, actor, "user-create", user->username);
    made.push_back(std::move(*user));
  }
  if (made.empty())
    co_return Error(Errc::conflict,
                    "All " + std::to_string(wanted.names.size()) + " users already exist");
  co_return made;
}

Task<Result<void>> remove_user(Parts& parts, store::User user, Actor actor) {
  auto ended = co_await end_servers(parts, user, actor);
  if (!ended) co_return ended;
  auto unshared = co_await revoke_shares_of_user(parts, user.username);
  if (!unshared) co_return unshared;
  parts.tokens.forget_user(user.id);
  auto out = co_await parts.sessions.revoke_user(user.id, "");
  if (!out) co_return out;
  auto erased = co_await parts.store.users().erase(user.id);
  if (!erased) co_return erased;
  record(parts, actor, "user-delete", user.username);
  co_return Result<void>();
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
