// One's API tokens: what there are, a new one, and an end to any of them.
#include "hub/answers.hpp"
#include "hub/routes.hpp"
#include "hub/token_wish.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;

struct Choice {
  std::string_view word;  ///< In the form, and of the message tokens.lasts.<word>
  seconds lasts;          ///< 0: until it is revoked
};

constexpr seconds kDay{24 * 3600};
constexpr Choice kChoices[] = {
    {"hour", seconds(3600)}, {"day", kDay},        {"week", 7 * kDay},
    {"month", 30 * kDay},    {"year", 365 * kDay}, {"never", seconds(0)},
};
constexpr std::string_view kUsual = "month";

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all.append(all.empty() ? "" : " ").append(word);
  return all;
}

Json row(const auth::TokenView& token) {
  Json view = {{"id", token.id}, {"created", web::moment(token.created)}};
  if (!token.note.empty()) view["note"] = token.note;
  if (!token.client.empty()) view["client"] = token.client;
  if (token.scopes != std::vector<std::string>{"inherit"}) view["scopes"] = joined(token.scopes);
  if (const auto used = token.last_used()) view["used"] = web::moment(*used);
  if (token.expires) view["expires"] = web::moment(*token.expires);
  return view;
}

Json view_of(const Parts& parts, const Call& call) {
  const std::string here = parts.settings.base_url + "hub/token";
  Json view = {{"make_url", here},
               {"revoke_url", here + "/revoke"},
               {"lasts", Json::array()},
               {"tokens", Json::array()}};
  std::string_view chosen = text::field(call.form, "lasts");
  if (chosen.empty()) chosen = kUsual;
  for (const Choice& choice : kChoices)
    view["lasts"].push_back({{"value", choice.word},
                             {"words", web::say("tokens.lasts." + std::string(choice.word))},
                             {"selected", choice.word == chosen}});
  const Instant now = parts.clock.now();
  for (const auth::TokenPointer& token : parts.tokens.of_user(call.session->account().id))
    if (!token->expires || now < *token->expires) view["tokens"].push_back(row(*token));
  return view;
}

TokenWish wish_of(const Call& call) {
  TokenWish wish;
  wish.note = text::trim(text::field(call.form, "note"));
  for (const Choice& choice : kChoices)
    if (choice.word == text::field(call.form, "lasts") && choice.lasts.count() > 0)
      wish.lasts = choice.lasts;
  std::vector<std::string> scopes;
  for (const std::string_view word : text::split(text::field(call.form, "scopes"), ' '))
    if (!text::trim(word).empty()) scopes.emplace_back(text::trim(word));
  if (!scopes.empty()) wish.scopes = std::move(scopes);
  return wish;
}

bool may(const Call& call, auth::ScopeName what) {
  const auth::Account& me = call.session->account();
  return auth::allowed(*call.principal, what,
                       auth::Target::of_user(me.username, me.groups, me.admin));
}

}  // namespace

Task<Answer> tokens(Parts& parts, Call& call) {
  if (!may(call, "read:tokens")) co_return problem(parts, call, kForbidden);
  co_return page(parts, call, kOk, "tokens", view_of(parts, call));
}

Task<Answer> make_token(Parts& parts, Call& call) {
  if (!may(call, "tokens")) co_return problem(parts, call, kForbidden);
  auto user = co_await parts.store.users().find(call.session->account().id);
  if (!user) co_return problem(parts, call, status_of(user.error()));
  auth::Principal who = *call.principal;
  TokenWish wish = wish_of(call);
  Actor actor{std::string(call.username()), call.request.peer};
  auto issued = co_await hub::make_token(parts, std::move(who), std::move(*user), std::move(wish),
                                         std::move(actor));
  Json view = view_of(parts, call);
  if (issued) {
    view["secret"] = issued->secret;
  } else {
    view["problem"] = issued.error().message();
    for (const std::string name : {"note", "scopes"})
      if (const auto typed = text::field(call.form, name); !typed.empty())
        view["typed_" + name] = typed;
  }
  co_return page_at(parts, call, parts.settings.base_url + "hub/token",
                    issued ? kOk : status_of(issued.error()), "tokens", view);
}

Task<Answer> revoke_token(Parts& parts, Call& call) {
  if (!may(call, "tokens")) co_return problem(parts, call, kForbidden);
  const store::UserId me = call.session->account().id;
  const std::string id(text::field(call.form, "token"));
  const std::string here = parts.settings.base_url + "hub/token";
  const auto mine = parts.tokens.of_user(me);
  const auto token =
      std::find_if(mine.begin(), mine.end(), [&](const auto& one) { return one->id == id; });
  if (token == mine.end()) co_return redirect(here);
  const std::string client = (*token)->client;
  auto revoking =
      client.empty() ? parts.tokens.revoke(me, id) : parts.tokens.revoke_of_client(me, client);
  auto revoked = co_await std::move(revoking);
  if (!revoked)
    co_return problem(parts, call, status_of(revoked.error()), revoked.error().message());
  co_return redirect(here + "?notice=token-revoked");
}

}  // namespace passerelle::hub::pages
