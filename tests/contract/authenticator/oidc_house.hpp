// A provider whose every word can be changed, and the authenticator "oidc" beside it.
#pragma once

#include <mutex>
#include <set>

#include "tests/contract/authenticator/contract.hpp"
#include "tests/contract/authenticator/provider.hpp"

namespace passerelle::auth::testing {

struct OidcHouse : HouseBase {
  explicit OidcHouse(const std::function<void(config::OidcAuthenticator&)>& change = [](auto&) {})
      : provider([this](const Asked& asked) { return answer(asked); }) {
    issuer = "http://127.0.0.1:" + std::to_string(provider.port);
    settings.name = "room";
    settings.type = "oidc";
    settings.oidc.issuer = issuer;
    settings.oidc.client_id = "hub";
    settings.oidc.client_secret.value = "s+/ %";
    settings.oidc.groups_claim = "groups";
    change(settings.oidc);
    set_up();
  }
  void set_up() { method = make_authenticator(settings, around()).value(); }

  std::int64_t now() const { return to_micros(clock.now()) / 1'000'000; }

  /// A browser comes to us and is sent away; what it would bring back.
  AuthRequest come_back(std::string code = "right") {
    AuthRequest start;
    start.method = "GET";
    start.path = "login";
    start.next = "/hub/token";
    start.language = "fr";
    auto away = ask(start);
    const auto& redirect = std::get<Redirect>(*away);
    const std::size_t mark = redirect.url.find('?');
    sent = *text::parse_form(std::string_view(redirect.url).substr(mark + 1));
    AuthRequest back;
    back.method = "GET";
    back.path = "callback";
    for (const auto& [name, cookie] : redirect.set_cookies)
      if (!cookie.value.empty()) back.cookies[name] = cookie.value;
    back.query = {{"code", std::move(code)}, {"state", std::string(text::field(sent, "state"))}};
    return back;
  }
  AuthRequest right() { return come_back(); }
  AuthRequest wrong() { return come_back("wrong"); }

  static std::string secret_of(const AuthRequest& request) {
    return std::string(text::field(request.query, "code")) + "-";
  }

  SignedIn in() {
    auto answer = ask(right());
    return std::get<SignedIn>(std::move(*answer));
  }
  ShowForm refused(AuthRequest request) {
    auto answer = ask(std::move(request));
    return std::get<ShowForm>(std::move(*answer));
  }
  std::string code() { return refused(right()).code; }
  bool comes_in() { return std::holds_alternative<SignedIn>(*ask(right())); }

  /// The claims of the next id_token; `change` has the last word.
  Json claims() {
    Json all = {{"iss", issuer}, {"aud", "hub"},
                {"sub", "u-1"},  {"exp", now() + 60},
                {"iat", now()},  {"nonce", std::string(text::field(sent, "nonce"))},
                {"sid", "s-1"}};
    for (const auto& [name, value] : more.items()) all[name] = value;
    if (change_claims) change_claims(all);
    return all;
  }
  std::string logout_token(const std::function<void(Json&)>& change = [](auto&) {}) {
    Json all = {
        {"iss", issuer},
        {"aud", "hub"},
        {"sub", "u-1"},
        {"sid", "s-1"},
        {"jti", "j-" + std::to_string(++tokens)},
        {"iat", now()},
        {"exp", now() + 120},
        {"events", {{"http://schemas.openid.net/event/backchannel-logout", Json::object()}}}};
    change(all);
    return jwt::sign({{"typ", "logout+jwt"}}, all, key).value();
  }
  Result<AuthAnswer> log_out(std::string token) {
    AuthRequest request;
    request.method = "POST";
    request.path = "backchannel-logout";
    request.form = {{"logout_token", std::move(token)}};
    return ask(std::move(request));
  }

  Answered answer(const Asked& asked) {
    const std::lock_guard lock(mutex);
    const std::string path = asked.path.substr(0, asked.path.find('?'));
    ++asked_for[path];
    if (down.contains(path)) return {503, "down", "text/plain"};
    if (custom)
      if (auto own = custom(asked)) return *own;
    if (path == "/.well-known/openid-configuration") {
      Json document = {{"issuer", issuer},
                       {"authorization_endpoint", issuer + "/authorize?tenant=a"},
                       {"token_endpoint", issuer + "/token"},
                       {"userinfo_endpoint", issuer + "/userinfo"},
                       {"end_session_endpoint", issuer + "/end"},
                       {"jwks_uri", issuer + "/jwks"},
                       {"id_token_signing_alg_values_supported", {"RS256", "none"}}};
      document.update(discovery);
      return {200, document.dump()};
    }
    if (path == "/jwks") return {200, Json{{"keys", Json::array({rsa_jwk(published)})}}.dump()};
    if (path == "/token") return token(asked.body);
    if (path == "/userinfo") {
      if (asked.head.find("Bearer at-" + std::to_string(tokens) + "\r") == std::string::npos &&
          !asked.head.ends_with("Bearer at-" + std::to_string(tokens)))
        return {401, "{}"};
      return {200, userinfo.dump()};
    }
    return {404, "{}"};
  }

  Answered token(const std::string& body) {
    const text::Form form = *text::parse_form(body);
    const std::string code(text::field(form, "code"));
    const std::string old(text::field(form, "refresh_token"));
    verifier = text::field(form, "code_verifier");
    const bool right = text::field(form, "grant_type") == "refresh_token"
                           ? old == refresh_token && !refresh_token.empty()
                           : code == "right";
    if (!right) return {400, R"({"error":"invalid_grant","error_description":"<no>"})"};
    ++tokens;
    Json answer = {{"access_token", "at-" + std::to_string(tokens)},
                   {"token_type", "bearer"},
                   {"expires_in", lasts}};
    if (rotates || refresh_token.empty()) {
      refresh_token = "rt-" + std::to_string(tokens);
      answer["refresh_token"] = refresh_token;
    }
    if (gives_id_token) answer["id_token"] = make_token ? make_token(claims()) : sign(claims());
    return {200, answer.dump()};
  }
  std::string sign(const Json& all) { return jwt::sign(header, all, key).value(); }

  config::Authenticator settings;
  std::string issuer;
  std::mutex mutex;
  Json discovery = Json::object();
  Json more = {{"preferred_username", "Fry"}, {"name", "Philip Fry"}, {"groups", {"crew"}}};
  Json userinfo = {{"sub", "u-1"}};
  Json header = {{"typ", "JWT"}};
  std::function<void(Json&)> change_claims;
  std::function<std::string(Json)> make_token;
  std::function<std::optional<Answered>(const Asked&)> custom;
  std::set<std::string> down;
  std::map<std::string, int> asked_for;
  text::Form sent;
  std::string verifier;
  std::string refresh_token;
  bool rotates = true;
  bool gives_id_token = true;
  int lasts = 600;
  int tokens = 0;
  jwt::Key key = shared_key();
  jwt::Key published = key;
  LoopbackServer provider;  // last: its thread uses all of the above

  static const jwt::Key& shared_key() {
    static const jwt::Key key = new_key("RSA", "k-1");
    return key;
  }
  static const jwt::Key& other_key() {
    static const jwt::Key key = new_key("RSA", "k-2");
    return key;
  }
};

}  // namespace passerelle::auth::testing
