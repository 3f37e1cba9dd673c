// The authenticator "oidc": the authorization code flow with PKCE (RFC 6749, RFC 7636, OpenID
// Connect Core 1.0), and what follows from it: refresh, sign-out, tokens for servers. This file is
// the order of the steps; each step stands in its own.

#include "auth/authenticator.hpp"
#include "auth/json.hpp"
#include "auth/oidc/check.hpp"
#include "auth/oidc/flow.hpp"
#include "auth/oidc/github.hpp"
#include "auth/oidc/id_token.hpp"
#include "auth/oidc/kept.hpp"
#include "auth/oidc/logout.hpp"
#include "auth/oidc/person.hpp"
#include "auth/oidc/refusals.hpp"
#include "auth/oidc/token.hpp"
#include "auth/oidc/userinfo.hpp"
#include "base/files.hpp"
#include "base/log.hpp"

namespace passerelle::auth {
namespace oidc {
namespace {

using Json = nlohmann::json;
using Texts = std::vector<std::string>;

constexpr std::size_t kLongestCode = 4096;
constexpr std::size_t kLongestHint = 8192;  // of what is kept with a session
constexpr seconds kFreshFor{60};            // an access token that lasts that long need not be new

class Oidc final : public Authenticator {
 public:
  Oidc(config::Authenticator settings, jwt::Key key, Surroundings around)
      : settings_(std::move(settings)),
        oidc_(settings_.oidc),
        around_(std::move(around)),
        flows_(settings_.name, around_.sealer, around_.clock),
        discovery_(oidc_, around_.http, around_.clock),
        keys_(around_.http, around_.clock, oidc_.ca_file),
        tokens_(oidc_, std::move(key), around_.http, around_.clock),
        userinfo_(oidc_, around_.http, keys_),
        back_channel_(oidc_, keys_, around_.clock) {}

  const std::string& name() const noexcept override { return settings_.name; }
  SignInOffer offer() const override;
  bool takes_foreign_post(std::string_view path) const noexcept override {
    return path == "backchannel-logout" && !oidc_.plain_oauth();
  }
  Task<Result<AuthAnswer>> handle(AuthRequest request) override;
  Task<Result<Known>> refresh(Known known) override;
  std::string sign_out_url(const std::string& hint, const std::string& back) const override;
  std::optional<AccessToken> access_token(const AuthState& state) const override;
  Task<std::vector<Finding>> check() override;

 private:
  /// Everything a sign-in, or a refresh, knows by its end.
  struct Told {
    Claims claims;
    Texts memberships;
  };

  Task<Result<AuthAnswer>> start(AuthRequest request);
  std::string authorize_url(const Endpoints& at, const Flow& flow, const std::string& tongue) const;
  Task<Result<AuthAnswer>> callback(AuthRequest request);
  Task<Result<AuthAnswer>> come_back(Flow flow, text::Form query);
  Task<Result<AuthAnswer>> with_tokens(Flow flow, Endpoints at, Tokens tokens);
  Task<Result<AuthAnswer>> back_channel(AuthRequest request);

  Task<Result<Json>> id_token_claims(Endpoints at, Tokens tokens, const Flow& flow);
  Task<Result<Told>> ask_about(Endpoints at, std::string access_token, Json id_token);
  AuthAnswer sign_in(const Flow& flow, const Tokens& tokens, Told told) const;

  Task<Result<Known>> refresh_by_access_token(Known known, Kept kept, Endpoints at);
  Task<Result<Known>> refresh_by_token(Known known, Kept kept, Endpoints at);
  Result<Known> described_again(Known known, Kept kept, Told told) const;
  Parties parties(const Endpoints& at) const {
    return {at.issuer, oidc_.client_id, around_.clock.now(), oidc_.leeway};
  }
  std::string redirect_uri() const { return around_.origin + around_.path + "callback"; }

  const config::Authenticator settings_;
  const config::OidcAuthenticator& oidc_;
  const Surroundings around_;
  Flows flows_;
  Discovery discovery_;
  KeySource keys_;
  TokenEndpoint tokens_;
  UserInfo userinfo_;
  BackChannel back_channel_;
};

SignInOffer Oidc::offer() const {
  SignInOffer offer;
  offer.kind = SignInOffer::Kind::button;
  return offer;
}

// The only field of that name. A second one is somebody's trick: which of them counts?
std::string only(const text::Form& form, std::string_view name) {
  std::string found;
  int count = 0;
  for (const auto& [key, value] : form)
    if (key == name && ++count == 1) found = value;
  return count == 1 ? found : std::string();
}

Task<Result<AuthAnswer>> Oidc::handle(AuthRequest request) {
  if (request.path == "login" && request.method != "POST") {
    auto answer = co_await start(std::move(request));
    co_return answer;
  }
  if (request.path == "login") co_return AuthAnswer(ShowForm{});
  if (request.path == "callback") {
    auto answer = co_await callback(std::move(request));
    co_return answer;
  }
  if (takes_foreign_post(request.path)) {
    auto answer = co_await back_channel(std::move(request));
    co_return answer;
  }
  co_return Error(Errc::not_found, "no such page");
}

// ------------------------------------------------------------------------------------ there

Task<Result<AuthAnswer>> Oidc::start(AuthRequest request) {
  auto at = co_await discovery_.endpoints();
  if (!at) {
    ShowForm shown = unreachable(at.error());
    shown.next = request.next;
    co_return AuthAnswer(std::move(shown));
  }
  const Flow flow = flows_.begin(request.next);
  Redirect away;
  away.url = authorize_url(**at, flow, request.language);
  away.set_cookies = flows_.cookies_for(flow, request.cookies);
  co_return AuthAnswer(std::move(away));
}

std::string joined(const Texts& words) {
  std::string line;
  for (const std::string& word : words) line.append(line.empty() ? "" : " ").append(word);
  return line;
}

std::string Oidc::authorize_url(const Endpoints& at,
                                const Flow& flow,
                                const std::string& tongue) const {
  std::string url = at.authorize;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    url += url.find('?') == std::string::npos ? '?' : '&';
    url.append(text::percent_encode(name)).append("=").append(text::percent_encode(value));
  };
  add("response_type", "code");
  add("client_id", oidc_.client_id);
  add("redirect_uri", redirect_uri());
  add("scope", joined(oidc_.scope));
  add("state", flow.state);
  add("code_challenge", flow.challenge());
  add("code_challenge_method", "S256");
  if (!oidc_.plain_oauth()) {
    add("nonce", flow.nonce);
    add("prompt", oidc_.prompt);
    add("acr_values", joined(oidc_.acr));
    if (oidc_.max_age.count() > 0) add("max_age", std::to_string(oidc_.max_age.count()));
    if (!oidc_.authorize_parameters.contains("ui_locales")) add("ui_locales", tongue);
  }
  for (const auto& [name, value] : oidc_.authorize_parameters) add(name, value);
  return url;
}

// ------------------------------------------------------------------------------------- back

Task<Result<AuthAnswer>> Oidc::callback(AuthRequest request) {
  const std::string state = only(request.query, "state");
  auto flow = flows_.take(state, request.cookies);
  if (!flow) co_return AuthAnswer(wrong_state(flow.error()));
  const std::string next = flow->next;
  auto answer = co_await come_back(std::move(*flow), std::move(request.query));
  if (!answer) co_return answer;
  // Whatever came of it: this flow is over, and a new try leads where this one should have.
  if (auto* shown = std::get_if<ShowForm>(&*answer)) {
    shown->set_cookies = Flows::cleared(state);
    shown->next = next;
  } else if (auto* in = std::get_if<SignedIn>(&*answer)) {
    in->set_cookies = Flows::cleared(state);
    in->next = next;
  }
  co_return answer;
}

Task<Result<AuthAnswer>> Oidc::come_back(Flow flow, text::Form query) {
  auto at = co_await discovery_.endpoints();
  if (!at) co_return AuthAnswer(unreachable(at.error()));
  const Endpoints endpoints = **at;
  const std::string issuer = only(query, "iss");
  // RFC 9207: a code from another provider must not be shown to this one.
  if ((!issuer.empty() && issuer != endpoints.issuer) || (issuer.empty() && endpoints.names_itself))
    co_return AuthAnswer(not_believed("issuer-mismatch", "callback: iss is not the issuer"));
  if (const std::string error = only(query, "error"); !error.empty())
    co_return AuthAnswer(declined(error));
  std::string code = only(query, "code");
  if (code.empty() || code.size() > kLongestCode)
    co_return AuthAnswer(not_believed("code-missing", "callback: no code"));
  std::string back = redirect_uri();
  auto tokens =
      co_await tokens_.exchange(endpoints, std::move(code), flow.verifier, std::move(back));
  if (!tokens && tokens.error().code() == Errc::unauthenticated)
    co_return AuthAnswer(not_believed("code-refused", tokens.error().message()));
  if (!tokens) co_return AuthAnswer(unreachable(tokens.error()));
  auto answer = co_await with_tokens(std::move(flow), endpoints, std::move(*tokens));
  co_return answer;
}

// The id_token of a sign-in, verified; an empty object with plain OAuth.
Task<Result<Json>> Oidc::id_token_claims(Endpoints at, Tokens tokens, const Flow& flow) {
  if (oidc_.plain_oauth()) co_return Json::object();
  auto token = jwt::take_apart(tokens.id, oidc_.algorithms);
  if (!token) co_return std::move(token).error();
  if (!token->type.empty() && !text::iequals(token->type, "JWT"))
    co_return Error(Errc::invalid, "token: its type is another");
  const std::string algorithm = token->algorithm;
  auto claims = co_await keys_.open(std::move(*token), at.jwks);
  if (!claims) co_return claims;
  const Asked asked{flow.nonce, tokens.access, algorithm, oidc_.acr, oidc_.amr, oidc_.max_age};
  auto told = check_sign_in(*claims, parties(at), asked);
  if (!told) co_return std::move(told).error();
  co_return claims;
}

Task<Result<AuthAnswer>> Oidc::with_tokens(Flow flow, Endpoints at, Tokens tokens) {
  auto id_token = co_await id_token_claims(at, tokens, flow);
  if (!id_token) co_return AuthAnswer(refused_token(id_token.error()));
  auto told = co_await ask_about(at, tokens.access, std::move(*id_token));
  if (!told) co_return AuthAnswer(refused_token(told.error()));
  co_return sign_in(flow, tokens, std::move(*told));
}

// Userinfo and, at GitHub, memberships.
Task<Result<Oidc::Told>> Oidc::ask_about(Endpoints at, std::string access_token, Json id_token) {
  Json userinfo;
  if (!at.userinfo.empty()) {
    std::string subject = text_member(id_token, "sub");
    auto answer = co_await userinfo_.get(at, access_token, std::move(subject));
    if (!answer) co_return std::move(answer).error();
    userinfo = std::move(*answer);
  }
  Told told;
  told.claims = oidc_.plain_oauth() ? merged(std::move(userinfo), Json())
                                    : merged(std::move(id_token), userinfo);
  if (oidc_.preset == "github") {
    auto groups = co_await memberships(oidc_, around_.http, std::move(access_token));
    if (!groups) co_return std::move(groups).error();
    told.memberships = std::move(*groups);
  }
  co_return told;
}

AuthAnswer Oidc::sign_in(const Flow& flow, const Tokens& tokens, Told told) const {
  if (!is_member(oidc_, told.memberships))
    return unfit({"organization-not-allowed", "in none of organizations and teams"});
  auto person = describe(settings_, oidc_, told.claims, told.memberships);
  if (const auto* why = std::get_if<Unfit>(&person)) return unfit(*why);
  auto& described = std::get<Described>(person);
  Kept kept;
  kept.tokens = tokens;
  kept.nonce = flow.nonce;
  kept.subject = text_member(told.claims.signed_ones, "sub");
  if (!oidc_.plain_oauth()) kept.id_token = told.claims.signed_ones;
  SignedIn answer;
  answer.identity = std::move(described.identity);
  answer.state = AuthState{std::move(described.attributes), to_text(kept)};
  answer.provider_session = text_member(told.claims.signed_ones, "sid");
  if (oidc_.provider_sign_out && tokens.id.size() <= kLongestHint) answer.sign_out_hint = tokens.id;
  return answer;
}

// ------------------------------------------------------------------------------------ later

Task<Result<Known>> Oidc::refresh(Known known) {
  auto kept = known.state ? kept_from_text(known.state->secret) : std::nullopt;
  if (!kept || kept->tokens.access.empty()) co_return known;  // nothing to ask with
  auto at = co_await discovery_.endpoints();
  if (!at) co_return std::move(at).error();
  const Endpoints endpoints = **at;
  const auto& expires = kept->tokens.expires;
  const bool fresh = !expires || *expires > around_.clock.now() + kFreshFor;
  const bool tells =
      !endpoints.userinfo.empty() && (oidc_.plain_oauth() || kept->id_token.is_object());
  if (fresh && tells) {
    auto answer = co_await refresh_by_access_token(known, *kept, endpoints);
    const bool asked = answer || answer.error().code() != Errc::unauthenticated;
    if (asked) co_return answer;
    if (kept->tokens.refresh.empty())
      co_return Error(Errc::forbidden, "the provider took the access token back");
  }
  if (kept->tokens.refresh.empty()) co_return known;
  auto answer = co_await refresh_by_token(std::move(known), std::move(*kept), endpoints);
  co_return answer;
}

// Errc::unauthenticated: the token is good no more.
Task<Result<Known>> Oidc::refresh_by_access_token(Known known, Kept kept, Endpoints at) {
  auto told = co_await ask_about(at, kept.tokens.access, kept.id_token);
  if (!told && (told.error().code() == Errc::invalid || told.error().code() == Errc::not_found))
    co_return Error(Errc::unavailable, told.error().message());
  if (!told) co_return std::move(told).error();
  co_return described_again(std::move(known), std::move(kept), std::move(*told));
}

// From the moment the provider gives new tokens the old ones may be dead, so the new ones are kept
// whatever goes wrong afterwards: used twice, a refresh token ends the whole sign-in.
Task<Result<Known>> Oidc::refresh_by_token(Known known, Kept kept, Endpoints at) {
  auto tokens = co_await tokens_.refresh(at, kept.tokens.refresh);
  if (!tokens && tokens.error().code() == Errc::unauthenticated)
    co_return Error(Errc::forbidden, "the provider ended the sign-in: " + tokens.error().message());
  if (!tokens) co_return std::move(tokens).error();
  const std::string id_token = std::exchange(tokens->id, "");
  if (tokens->refresh.empty()) tokens->refresh = kept.tokens.refresh;
  kept.tokens = std::move(*tokens);
  known.state->secret = to_text(kept);

  Result<Json> claims = kept.id_token.is_object() ? kept.id_token : Json::object();
  if (!id_token.empty() && !oidc_.plain_oauth()) {
    auto token = jwt::take_apart(id_token, oidc_.algorithms);
    if (token) {
      claims = co_await keys_.open(std::move(*token), at.jwks);
    } else {
      claims = std::move(token).error();
    }
    const auto right =
        claims ? check_refreshed(*claims, parties(at), kept.subject, kept.nonce) : Result<void>();
    if (!right) claims = right.error();
  }
  if (!claims && claims.error().code() == Errc::forbidden) co_return std::move(claims).error();
  Result<Told> told = claims ? Result<Told>(Told()) : Result<Told>(claims.error());
  if (claims) {
    kept.id_token = *claims;
    told = co_await ask_about(at, kept.tokens.access, std::move(*claims));
  }
  if (!told) {
    log::warn("auth", "tokens were renewed, but what they say could not be read",
              {{"authenticator", settings_.name}, {"why", told.error().message()}});
    co_return known;
  }
  co_return described_again(std::move(known), std::move(kept), std::move(*told));
}

Result<Known> Oidc::described_again(Known known, Kept kept, Told told) const {
  if (!is_member(oidc_, told.memberships))
    return Error(Errc::forbidden, "in none of organizations and teams any more");
  auto person = describe(settings_, oidc_, told.claims, told.memberships);
  if (const auto* why = std::get_if<Unfit>(&person))
    return Error(Errc::forbidden, why->code + ": " + why->detail);
  auto& described = std::get<Described>(person);
  if (described.identity.subject != known.identity.subject)
    return Error(Errc::forbidden, "the provider names somebody else now");
  known.identity.groups = std::move(described.identity.groups);
  known.identity.display_name = std::move(described.identity.display_name);
  known.state = AuthState{std::move(described.attributes), to_text(kept)};
  return known;
}

Task<Result<AuthAnswer>> Oidc::back_channel(AuthRequest request) {
  if (request.method != "POST") {
    Reply reply;
    reply.status = 405;
    co_return AuthAnswer(std::move(reply));
  }
  auto at = co_await discovery_.endpoints();
  if (!at) co_return std::move(at).error();
  const Endpoints endpoints = **at;
  std::string token = only(request.form, "logout_token");
  auto answer = co_await back_channel_.take(endpoints, std::move(token));
  co_return answer;
}

std::string Oidc::sign_out_url(const std::string& hint, const std::string& back) const {
  const auto at = discovery_.known();
  if (!oidc_.provider_sign_out || at == nullptr) return {};
  return oidc::sign_out_url(*at, oidc_.client_id, hint, back);
}

std::optional<AccessToken> Oidc::access_token(const AuthState& state) const {
  if (!oidc_.tokens_for_servers) return std::nullopt;
  auto kept = kept_from_text(state.secret);
  if (!kept || kept->tokens.access.empty()) return std::nullopt;
  return AccessToken{std::move(kept->tokens.access), kept->tokens.expires};
}

Task<std::vector<Finding>> Oidc::check() {
  std::string back = redirect_uri();
  auto findings = co_await check_provider(oidc_, discovery_, keys_, around_.clock, std::move(back));
  co_return findings;
}

}  // namespace
}  // namespace oidc

Result<std::unique_ptr<Authenticator>> make_oidc(const config::Authenticator& settings,
                                                 Surroundings around) {
  config::Authenticator complete = settings;
  config::apply_preset(complete.oidc);
  if (around.origin.empty())
    return Error(Errc::invalid, "an oidc needs `public_url`, where the provider sends people back");
  if (complete.oidc.client_id.empty()) return Error(Errc::invalid, "an oidc needs a client_id");
  jwt::Key key;
  if (!complete.oidc.client_key.empty()) {
    auto pem = files::read(complete.oidc.client_key);
    if (!pem) return std::move(pem).error().within("client_key");
    auto read = jwt::read_private_key(*pem);
    if (!read) return std::move(read).error().within("client_key");
    key = std::move(*read);
    key.id = complete.oidc.client_key_id;
  }
  return std::unique_ptr<Authenticator>(
      std::make_unique<oidc::Oidc>(std::move(complete), std::move(key), std::move(around)));
}

}  // namespace passerelle::auth
