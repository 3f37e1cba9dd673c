// The token endpoint (RFC 6749, 4.1.3): a server or service changes a code for a token of its
// visitor. The token ends with the session that the code was made in.
#include "base/secrets.hpp"
#include "hub/api/models.hpp"
#include "hub/oauth/clients.hpp"
#include "hub/oauth/codes.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kBad = 400;
constexpr int kUnauthorized = 401;

proxy::HubResponse wrong(int status, std::string_view code, std::string_view why) {
  return json(status, {{"error", code}, {"error_description", why}});
}

bool proves(const std::string& challenge, std::string_view verifier) {
  if (challenge.empty()) return true;
  const secrets::Digest digest = secrets::sha256(verifier);
  const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
  return secrets::equal(secrets::to_base64url(bytes), challenge);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

}  // namespace

Task<Answer> oauth_token(Parts& parts, Call& call) {
  const auto field = [&](std::string_view name) { return text::field(call.form, name); };
  const auto client = find_client(parts, field("client_id"));
  if (!client || client->secret.empty() || !secrets::equal(client->secret, field("client_secret")))
    co_return wrong(kUnauthorized, "invalid_client", "unknown client, or a wrong secret");
  if (field("grant_type") != "authorization_code")
    co_return wrong(kBad, "unsupported_grant_type", "only authorization_code");
  const auto grant = parts.codes.take(std::string(field("code")));
  const std::string_view redirect_uri = field("redirect_uri");
  if (!grant || grant->client != client->id ||
      (!redirect_uri.empty() && redirect_uri != grant->redirect_uri) ||
      !proves(grant->challenge, field("code_verifier")))
    co_return wrong(kBad, "invalid_grant", "the code is over, was used, or is somebody else's");
  // Signed out meanwhile: nothing new begins in that session (CVE-2021-41247).
  auth::SessionPointer session;
  for (const auth::SessionPointer& open : parts.sessions.of_user(grant->user))
    if (open->id == grant->session) session = open;
  if (!session) co_return wrong(kBad, "invalid_grant", "the visitor has signed out");
  auth::TokenTable::Issue issue;
  issue.owner = session->principal.account;
  issue.scopes = grant->scopes;
  issue.note = "OAuth: " + client->title;
  issue.expires = session->expires;
  issue.session = session->id;
  issue.client = client->id;
  auto issued = co_await parts.tokens.issue(std::move(issue));
  if (!issued && issued.error().code() != Errc::conflict) co_return refuse(issued.error());
  // The visitor's session and the client may have ended while the store wrote.
  const auto still = find_client(parts, client->id);
  if (issued && (!session->life->alive() || !still || still->secret != client->secret)) {
    auto revoked = co_await parts.tokens.revoke(grant->user, issued->token->id);
    issued = Error(Errc::conflict, "it has ended");
  }
  if (!issued) co_return wrong(kBad, "invalid_grant", "the visitor or the client is gone");
  const seconds lasts = std::chrono::duration_cast<seconds>(session->expires - parts.clock.now());
  co_return json(kOk, {{"access_token", issued->secret},
                       {"expires_in", lasts.count()},
                       {"token_type", "Bearer"},
                       {"scope", joined(grant->scopes)}});
}

}  // namespace passerelle::hub::api
