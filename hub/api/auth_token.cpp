// A fresh access token of the provider for the person's own servers: what they were started with
// goes stale in minutes. Only for authenticators whose configuration opts in.
#include "base/secrets.hpp"
#include "hub/api/models.hpp"
#include "hub/methods.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr seconds kEnough{60};  // A token that lasts that long is fresh.

// A running server shows the secret it was started with; every secret is compared, so that the time
// tells nothing.
ServerPtr server_by_secret(const Parts& parts, std::string_view secret) {
  ServerPtr found;
  for (const auto& [key, server] : parts.launcher.all())
    if (server->active() && secrets::equal(server->secret, secret)) found = server;
  return found;
}

std::string_view bearer_of(const Call& call) {
  const std::string_view header = call.request.header("authorization");
  for (const std::string_view scheme : {"token ", "Bearer "})
    if (text::iequals(header.substr(0, scheme.size()), scheme))
      return text::trim(header.substr(scheme.size()));
  return {};
}

// A session or an unnarrowed token of the person's own, or one of their servers.
std::optional<store::UserId> whose(const Parts& parts, const Call& call) {
  if (call.principal && !call.principal->narrowed) return call.principal->account->id;
  const std::string_view secret = bearer_of(call);
  if (secret.empty()) return std::nullopt;
  const ServerPtr server = server_by_secret(parts, secret);
  return server ? std::optional(server->record.user) : std::nullopt;
}

struct Candidate {
  std::string authenticator;
  std::string subject;
};

Task<Result<std::vector<Candidate>>> candidates(Parts& parts, store::User user) {
  std::vector<Candidate> all = {{user.authenticator, user.subject}};
  auto links = co_await parts.store.identities().links_of(user.id);
  if (!links) co_return std::move(links).error();
  for (store::LinkedIdentity& one : *links)
    all.push_back({std::move(one.authenticator), std::move(one.subject)});
  co_return all;
}

bool fresh(const Parts& parts, const std::optional<auth::AccessToken>& token) {
  return token && (!token->expires || *token->expires - parts.clock.now() >= kEnough);
}

// Errc::not_found: this identity has none to give.
Task<Result<auth::AccessToken>> token_of(Parts& parts, Candidate who) {
  const auth::Authenticator* method = find_method(parts, who.authenticator);
  const Error none(Errc::not_found, "no access token is kept for this person");
  if (method == nullptr) co_return none;
  for (const bool asked : {false, true}) {
    auto state = co_await parts.states.find(who.authenticator, who.subject);
    if (!state) co_return std::move(state).error();
    const auto token = *state ? method->access_token(**state) : std::optional<auth::AccessToken>();
    if (fresh(parts, token)) co_return *token;
    if (asked || !token) co_return none;
    auto refreshed = co_await parts.refresher.refresh(who.authenticator, who.subject);
    if (!refreshed) co_return std::move(refreshed).error();
  }
  co_return none;
}

}  // namespace

Task<Answer> auth_token(Parts& parts, Call& call) {
  const auto id = whose(parts, call);
  if (!id) co_return api_error(kForbidden, "Missing or invalid credentials.");
  auto user = co_await parts.store.users().find(*id);
  if (!user) co_return refuse(user.error());
  auto identities = co_await candidates(parts, *user);
  if (!identities) co_return refuse(identities.error());
  for (const Candidate& one : *identities) {
    auto token = co_await token_of(parts, one);
    if (!token && token.error().code() == Errc::not_found) continue;
    if (!token) co_return refuse(token.error());
    Json body = {{"authenticator", one.authenticator}, {"access_token", token->value}};
    body["expires_at"] = token->expires ? Json(to_iso8601(*token->expires)) : Json();
    co_return json(kOk, body);
  }
  co_return api_error(kNotFound,
                      "No provider's access token is kept for this person (tokens_for_servers).");
}

}  // namespace passerelle::hub::api
