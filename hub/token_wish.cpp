#include "hub/token_wish.hpp"

#include "hub/api/models.hpp"

namespace passerelle::hub {
namespace {

Result<std::shared_ptr<const auth::Account>> account_of(const Parts& parts,
                                                        const store::User& user) {
  auth::Admission admitted = parts.policy.admit(user);
  if (std::holds_alternative<auth::Refusal>(admitted))
    return Error(Errc::forbidden, "this user may not sign in");
  return auth::make_account(user, std::get<auth::Admitted>(std::move(admitted)));
}

void record(Parts& parts, const Actor& actor, const auth::TokenView& token) {
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = actor.name;
  event.action = "token-create";
  event.target = token.owner().username + "/token/" + token.id;
  event.result = "ok";
  event.peer = actor.peer;
  parts.store.audit().append(std::move(event));
}

}  // namespace

Task<Result<auth::TokenTable::Issued>> make_token(
    Parts& parts, auth::Principal who, store::User owner, TokenWish wish, Actor actor) {
  auto account = account_of(parts, owner);
  if (!account) co_return std::move(account).error();
  auto members = co_await api::members_for(parts, who);
  if (!members) co_return std::move(members).error();
  const auto handing = auth::may_hand_out(who, **account, wish.scopes, *members);
  if (!handing) co_return Error(Errc::invalid, handing.error().message());
  auth::TokenTable::Issue issue;
  issue.owner = *account;
  issue.scopes = std::move(wish.scopes);
  issue.note = std::move(wish.note);
  if (wish.lasts) issue.expires = parts.clock.now() + *wish.lasts;
  auto issued = co_await parts.tokens.issue(std::move(issue));
  if (!issued) co_return issued;
  // Its owner may have been put out, or lost rights, since they were looked up.
  auto now = co_await parts.store.users().find(owner.id);
  auto fresh =
      now ? account_of(parts, *now) : Result<std::shared_ptr<const auth::Account>>(now.error());
  if (!fresh) {
    auto revoked = co_await parts.tokens.revoke(owner.id, issued->token->id);
    co_return Error(Errc::forbidden, "this user may not sign in");
  }
  parts.tokens.update(*fresh);
  record(parts, actor, *issued->token);
  co_return issued;
}

}  // namespace passerelle::hub
