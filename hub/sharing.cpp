#include "hub/sharing.hpp"

#include "hub/accounts.hpp"

namespace passerelle::hub {
namespace {

void record(Parts& parts,
            const Actor& actor,
            std::string action,
            const auth::SharedServer& of,
            std::string detail) {
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = actor.name;
  event.action = std::move(action);
  event.target = "user/" + of.key();
  event.result = "ok";
  event.detail = std::move(detail);
  event.peer = actor.peer;
  parts.store.audit().append(std::move(event));
}

std::string words_of(const auth::Grantee& to) {
  return (to.group ? "group " : "user ") + to.name;
}

// Whoever it means goes on with the rights of now.
Task<Result<void>> reload(Parts& parts, auth::Grantee to) {
  std::vector<std::string> names = {to.name};
  if (to.group) {
    auto group = co_await parts.store.groups().find(to.name);
    if (!group && group.error().code() != Errc::not_found) co_return std::move(group).error();
    names = group ? group->users : std::vector<std::string>();
  }
  for (const std::string& name : names) {
    auto user = co_await parts.store.users().find_by_name(name);
    if (!user && user.error().code() == Errc::not_found) continue;
    if (!user) co_return std::move(user).error();
    auto reloaded = co_await reload_rights(parts, user->id);
    if (!reloaded) co_return std::move(reloaded).error();
  }
  co_return Result<void>();
}

Task<Result<void>> reload_all(Parts& parts, std::vector<auth::Grantee> all) {
  for (const auth::Grantee& to : all) {
    auto done = co_await reload(parts, to);
    if (!done) co_return done;
  }
  co_return Result<void>();
}

}  // namespace

std::string access_scope(const auth::SharedServer& of) {
  return "access:servers!server=" + of.key();
}

Result<void> check_share_scopes(const auth::SharedServer& of,
                                const std::vector<std::string>& scopes) {
  for (const std::string& scope : scopes) {
    auth::ScopeSet one;
    const auto added = one.add(scope, auth::Owner{});
    if (!added) return added;
    const auto& grants = one.grants();
    const auto for_it = [&](const auth::ScopeSet::Grant& grant) {
      return grant.filter == auth::Filter{auth::Filter::Kind::server, of.key()};
    };
    if (grants.empty() || !one.customs().empty() ||
        !std::all_of(grants.begin(), grants.end(), for_it))
      return Error(Errc::invalid,
                   "scope " + scope.substr(0, 255) + " is not for !server=" + of.key());
  }
  return {};
}

Task<Result<auth::Share>> grant_share(Parts& parts,
                                      auth::SharedServer of,
                                      auth::Grantee to,
                                      std::vector<std::string> scopes,
                                      Actor actor) {
  auto share = co_await parts.shares.grant(of, to, std::move(scopes));
  if (!share) co_return share;
  record(parts, actor, "share-grant", of, words_of(to));
  auto reloaded = co_await reload(parts, to);
  if (!reloaded) co_return std::move(reloaded).error();
  co_return share;
}

Task<Result<std::optional<auth::Share>>> revoke_share(Parts& parts,
                                                      auth::SharedServer of,
                                                      auth::Grantee to,
                                                      std::vector<std::string> scopes,
                                                      Actor actor) {
  auto left = co_await parts.shares.revoke(of, to, std::move(scopes));
  record(parts, actor, "share-revoke", of, words_of(to));
  auto reloaded = co_await reload(parts, to);
  if (!reloaded) co_return std::move(reloaded).error();
  co_return left;
}

Task<Result<void>> revoke_shares_of(Parts& parts, auth::SharedServer of, Actor actor) {
  auto had = co_await parts.shares.revoke_all(of);
  if (!had) co_return std::move(had).error();
  if (had->empty()) co_return Result<void>();
  record(parts, actor, "share-revoke", of, "everybody");
  auto reloaded = co_await reload_all(parts, std::move(*had));
  co_return reloaded;
}

Task<Result<void>> revoke_shares_of_user(Parts& parts, std::string username) {
  auto had = co_await parts.shares.forget_user(std::move(username));
  if (!had) co_return std::move(had).error();
  auto reloaded = co_await reload_all(parts, std::move(*had));
  co_return reloaded;
}

}  // namespace passerelle::hub
