// The authenticator "oidc" beside a provider that says what no real one would. The real one is
// tests/peer/oidc.
#include <openssl/hmac.h>

#include "tests/contract/authenticator/oidc_house.hpp"

namespace passerelle::auth {
namespace {

using testing::Answered;
using testing::Asked;
using testing::Json;
using House = testing::OidcHouse;

}  // namespace

namespace testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Oidc, AuthenticatorContract, House);
}  // namespace testing

namespace {

TEST(Oidc, TellsWhoItIs) {
  House house;
  const SignedIn person = house.in();
  EXPECT_EQ(person.identity.subject, "u-1");
  EXPECT_EQ(person.identity.username_hint, "fry");
  EXPECT_EQ(person.identity.display_name, "Philip Fry");
  EXPECT_EQ(person.identity.groups, std::vector<std::string>{"crew"});
  EXPECT_EQ(person.provider_session, "s-1");
  EXPECT_EQ(person.next, "/hub/token");
  for (const auto& [name, cookie] : person.set_cookies) EXPECT_TRUE(cookie.value.empty()) << name;
}

TEST(Oidc, AsksWithAllThatBindsTheAnswer) {
  House house;
  house.in();
  const auto field = [&](const char* name) { return std::string(text::field(house.sent, name)); };
  EXPECT_EQ(field("tenant"), "a");  // the endpoint's own query stays
  EXPECT_EQ(field("response_type"), "code");
  EXPECT_EQ(field("redirect_uri"), "https://hub.test/hub/auth/room/callback");
  EXPECT_EQ(field("scope"), "openid profile email");
  EXPECT_EQ(field("code_challenge_method"), "S256");
  EXPECT_EQ(field("ui_locales"), "fr");
  const auto digest = secrets::sha256(house.verifier);
  EXPECT_EQ(field("code_challenge"),
            secrets::to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()}));
  EXPECT_GE(field("nonce").size(), 43U);
}

// ------------------------------------------------------------------------------- the id_token

using Change = std::function<void(Json&)>;

TEST(Oidc, TokensThatSaySomethingWrongAreRefused) {
  House house;
  const std::pair<const char*, Change> wrongs[] = {
      {"iss", [](Json& c) { c["iss"] = "https://evil.example"; }},
      {"iss with a slash", [](Json& c) { c["iss"] = c["iss"].get<std::string>() + "/"; }},
      {"no iss", [](Json& c) { c.erase("iss"); }},
      {"aud", [](Json& c) { c["aud"] = "other"; }},
      {"no aud", [](Json& c) { c.erase("aud"); }},
      {"aud without azp", [](Json& c) { c["aud"] = {"hub", "other"}; }},
      {"azp", [](Json& c) { c["azp"] = "other"; }},
      {"exp", [](Json& c) { c["exp"] = c["iat"].get<std::int64_t>() - 61; }},
      {"no exp", [](Json& c) { c.erase("exp"); }},
      {"exp as text", [](Json& c) { c["exp"] = "9999999999"; }},
      {"no iat", [](Json& c) { c.erase("iat"); }},
      {"iat to come", [](Json& c) { c["iat"] = c["iat"].get<std::int64_t>() + 120; }},
      {"nbf to come", [](Json& c) { c["nbf"] = c["iat"].get<std::int64_t>() + 120; }},
      {"nonce", [](Json& c) { c["nonce"] = "other"; }},
      {"no nonce", [](Json& c) { c.erase("nonce"); }},
      {"at_hash", [](Json& c) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA"; }},
      {"no sub", [](Json& c) { c.erase("sub"); }},
      {"sub is no text", [](Json& c) { c["sub"] = 1; }},
      {"sub with a control", [](Json& c) { c["sub"] = "a\nb"; }},
      {"long sub", [](Json& c) { c["sub"] = std::string(256, 'a'); }},
      {"a logout token", [](Json& c) {
         c["events"] = {{"http://schemas.openid.net/event/backchannel-logout", Json::object()}};
       }}};
  for (const auto& [what, change] : wrongs) {
    house.change_claims = change;
    const ShowForm form = house.refused(house.right());
    EXPECT_EQ(form.code, "token-refused") << what;
    EXPECT_EQ(form.status, 403) << what;
    EXPECT_TRUE(form.failed) << what;
    EXPECT_EQ(form.next, "/hub/token");
  }
  house.change_claims = nullptr;
  EXPECT_TRUE(house.comes_in());
}

TEST(Oidc, TokensThatAreOddButRightAreTaken) {
  House house;
  const std::pair<const char*, Change> odd[] = {
      {"aud list", [](Json& c) { c["aud"] = {"hub"}; }},
      {"two aud, azp", [](Json& c) { c["aud"] = {"other", "hub"}, c["azp"] = "hub"; }},
      {"fractions", [](Json& c) { c["iat"] = c["iat"].get<double>() + 0.5; }},
      {"just over", [](Json& c) { c["exp"] = c["iat"].get<std::int64_t>() - 30; }},
      {"at_hash", [&](Json& c) {
         c["at_hash"] = jwt::half_hash("RS256", "at-" + std::to_string(house.tokens));
       }}};
  for (const auto& [what, change] : odd) {
    house.change_claims = change;
    EXPECT_TRUE(house.comes_in()) << what;
  }
}

std::string hmac_token(const std::string& part, const std::string& secret) {
  const auto mac = secrets::hmac_sha256(secret, part);
  return part + "." +
         secrets::to_base64url({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

std::string part_of(const Json& header, const Json& claims) {
  return secrets::to_base64url(header.dump()) + "." + secrets::to_base64url(claims.dump());
}

std::string public_pem(const jwt::Key& key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key.key.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

// mod_auth_openidc 2026, CVE-2024-25189's neighbours: none, a public key as an HMAC secret, a key
// that the token brings along, extensions, an encrypted token.
TEST(Oidc, AlgorithmConfusionIsRefused) {
  House house;
  const std::string pem = public_pem(house.key);
  using Make = std::function<std::string(Json)>;
  const std::pair<const char*, Make> wrongs[] = {
      {"none", [](const Json& c) { return part_of({{"alg", "none"}}, c) + "."; }},
      {"None", [](const Json& c) { return part_of({{"alg", "None"}}, c) + ".AA"; }},
      {"no alg", [](const Json& c) { return part_of({{"typ", "JWT"}}, c) + ".AA"; }},
      {"HS256 by the public key",
       [&](const Json& c) { return hmac_token(part_of({{"alg", "HS256"}}, c), pem); }},
      {"HS256 by the client's secret",
       [&](const Json& c) { return hmac_token(part_of({{"alg", "HS256"}}, c), "s+/ %"); }},
      {"its own key",
       [&](const Json& c) {
         Json header = {{"jwk", testing::rsa_jwk(House::other_key())}, {"kid", "k-2"}};
         return jwt::sign(header, c, House::other_key()).value();
       }},
      {"another key with the right name",
       [&](const Json& c) {
         jwt::Key other = House::other_key();
         other.id = "k-1";
         return jwt::sign({}, c, other).value();
       }},
      {"crit", [&](const Json& c) { return jwt::sign({{"crit", {"x"}}}, c, house.key).value(); }},
      {"b64", [&](const Json& c) { return jwt::sign({{"b64", false}}, c, house.key).value(); }},
      {"a type",
       [&](const Json& c) { return jwt::sign({{"typ", "at+jwt"}}, c, house.key).value(); }},
      {"four parts", [&](const Json& c) { return house.sign(c) + ".AA"; }},
      {"five parts", [](const Json&) { return std::string("e30.AA.AA.AA.AA"); }},
      {"padding", [&](const Json& c) { return house.sign(c) + "="; }},
      {"nothing", [](const Json&) { return std::string(); }},
      {"a claim twice",
       [&](const Json& c) {
         std::string twice = c.dump();
         twice.insert(1, R"("sub":"admin",)");
         const std::string part = secrets::to_base64url(R"({"alg":"RS256","kid":"k-1"})") + "." +
                                  secrets::to_base64url(twice);
         return part + ".AA";
       }},
      {"100 kB", [&](Json c) {
         c["padding"] = std::string(100'000, 'x');
         return house.sign(c);
       }}};
  for (const auto& [what, make] : wrongs) {
    house.make_token = make;
    const std::string code = house.code();
    EXPECT_TRUE(code == "token-refused" || code == "provider-unreachable") << what << ": " << code;
  }
}

TEST(Oidc, OnlyAllowedAlgorithmsCount) {
  House house([](config::OidcAuthenticator& oidc) { oidc.algorithms = {"ES256"}; });
  EXPECT_EQ(house.code(), "token-refused");
}

TEST(Oidc, NewKeysAreFetchedOnceAndOldOnesGoOn) {
  House house;
  EXPECT_TRUE(house.comes_in());
  house.published = house.key = House::other_key();
  EXPECT_TRUE(house.comes_in());
  EXPECT_EQ(house.asked_for["/jwks"], 2);
  jwt::Key strange = House::shared_key();
  strange.id = "unknown";
  house.key = strange;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(house.code(), "token-refused");
  EXPECT_EQ(house.asked_for["/jwks"], 2);  // a minute must pass
  house.clock.pass(seconds(61));
  EXPECT_EQ(house.code(), "token-refused");
  EXPECT_EQ(house.asked_for["/jwks"], 3);
  house.key = House::other_key();
  house.down = {"/jwks"};
  house.clock.pass(std::chrono::hours(1));
  EXPECT_TRUE(house.comes_in());
}

// ------------------------------------------------------------------------------------ the flow

TEST(Oidc, AFlowComesBackOnceAndInItsOwnBrowser) {
  House house;
  const AuthRequest back = house.right();
  AuthRequest elsewhere = back;
  elsewhere.cookies.clear();
  EXPECT_EQ(house.refused(elsewhere).code, "state-unknown");
  EXPECT_EQ(house.asked_for["/token"], 0);
  EXPECT_TRUE(std::holds_alternative<SignedIn>(*house.ask(back)));
  EXPECT_EQ(house.refused(back).code, "state-used");
  AuthRequest late = house.right();
  house.clock.pass(seconds(600));
  EXPECT_EQ(house.refused(late).code, "state-unknown");
}

TEST(Oidc, ABrowserHasFiveFlowsAtMost) {
  House house;
  AuthRequest start;
  start.method = "GET";
  start.path = "login";
  for (int i = 0; i < 12; ++i) {
    auto answer = house.ask(start);
    for (const auto& [name, cookie] : std::get<Redirect>(*answer).set_cookies) {
      if (cookie.value.empty())
        start.cookies.erase(name);
      else
        start.cookies[name] = cookie.value;
    }
    house.clock.pass(seconds(1));
  }
  EXPECT_EQ(start.cookies.size(), 5U);
  start.cookies = {{"flow-" + std::string(43, 'A'), "planted"}, {"flow-<b>", "x"}};
  auto answer = house.ask(start);
  EXPECT_EQ(std::get<Redirect>(*answer).set_cookies.size(), 2U);  // the new one; one is cleared
}

TEST(Oidc, AFlowOfAnotherMethodDoesNotOpen) {
  House house;
  const AuthRequest back = house.right();
  house.settings.name = "other";
  house.set_up();
  EXPECT_EQ(house.refused(back).code, "state-unknown");
}

// RFC 9207: the mix-up attack.
TEST(Oidc, TheAnswerMustBeTheIssuers) {
  House house;
  AuthRequest back = house.right();
  back.query.emplace_back("iss", "https://evil.example");
  EXPECT_EQ(house.refused(back).code, "issuer-mismatch");
  House announced;
  announced.discovery = {{"authorization_response_iss_parameter_supported", true}};
  EXPECT_EQ(announced.code(), "issuer-mismatch");
  EXPECT_EQ(announced.asked_for["/token"], 0);
  back = announced.right();
  back.query.emplace_back("iss", announced.issuer);
  EXPECT_TRUE(std::holds_alternative<SignedIn>(*announced.ask(back)));
}

TEST(Oidc, DoubledParametersCount0) {
  House house;
  AuthRequest back = house.right();
  back.query.emplace_back("state", "x");
  EXPECT_EQ(house.refused(back).code, "state-unknown");
  back = house.right();
  back.query.emplace_back("code", "x");
  EXPECT_EQ(house.refused(back).code, "code-missing");
}

TEST(Oidc, WhatTheProviderDeclinesIsToldByItsCode) {
  House house;
  for (const auto& [error, code, status] :
       {std::tuple{"access_denied", "declined-access-denied", 403},
        std::tuple{"temporarily_unavailable", "declined-temporarily-unavailable", 503},
        std::tuple{"<script>", "declined-other", 403}}) {
    AuthRequest back = house.right();
    back.query[0] = {"error", error};
    const ShowForm form = house.refused(back);
    EXPECT_EQ(form.code, code);
    EXPECT_EQ(form.status, status);
    EXPECT_FALSE(form.failed);
  }
}

TEST(Oidc, AProviderThatIsDownIsNobodysFault) {
  House house;
  house.down = {"/.well-known/openid-configuration"};
  AuthRequest start;
  start.method = "GET";
  start.path = "login";
  start.next = "/hub/token";
  const ShowForm form = house.refused(start);
  EXPECT_EQ(form.status, 503);
  EXPECT_EQ(form.next, "/hub/token");
  for (const char* path : {"/token", "/jwks", "/userinfo"}) {
    house.down.clear();
    const AuthRequest back = house.right();
    house.down = {path};
    const ShowForm shown = house.refused(back);
    EXPECT_EQ(shown.code, "provider-unreachable") << path;
    EXPECT_FALSE(shown.failed) << path;
  }
  house.down.clear();
  EXPECT_TRUE(house.comes_in());
}

TEST(Oidc, ADiscoveryDocumentOfAnotherIssuerIsRefused) {
  House house;
  AuthRequest start;
  start.method = "GET";
  start.path = "login";
  for (const Json& change :
       {Json{{"issuer", "https://evil.example"}}, Json{{"issuer", house.issuer + "/"}},
        Json{{"token_endpoint", "http://evil.example/token"}},
        Json{{"token_endpoint", "http://127.0.0.1.evil.example/token"}},
        Json{{"jwks_uri", nullptr}}}) {
    house.discovery = change;
    EXPECT_EQ(house.refused(start).code, "provider-unreachable") << change;
  }
}

// ---------------------------------------------------------------------------------- the person

TEST(Oidc, UserinfoOfSomebodyElseIsRefused) {
  House house;
  house.userinfo = {{"sub", "u-2"}, {"groups", {"admins"}}};
  EXPECT_EQ(house.code(), "token-refused");
}

TEST(Oidc, UserinfoWinsOverTheToken) {
  House house;
  house.userinfo = {{"sub", "u-1"}, {"groups", {"new"}}};
  EXPECT_EQ(house.in().identity.groups, std::vector<std::string>{"new"});
}

// CVE-2026-33175: an unverified address is no name, opens no domain and is not handed on.
TEST(Oidc, Cve2026_33175_UnverifiedMailCountsForNothing) {
  House house([](config::OidcAuthenticator& oidc) {
    oidc.username_claim = "email";
    oidc.attributes = {"email"};
  });
  house.more["email"] = "fry@planet.example";
  for (const Json& verified : {Json(nullptr), Json(false), Json("false"), Json(1), Json("yes")}) {
    house.more["email_verified"] = verified;
    EXPECT_EQ(house.code(), "email-unverified") << verified;
  }
  for (const Json& verified : {Json(true), Json("true")}) {
    house.more["email_verified"] = verified;
    EXPECT_EQ(house.in().identity.username_hint, "fry@planet.example");
  }
  // The userinfo's address is not what the token's word was about.
  house.userinfo["email"] = "admin@planet.example";
  EXPECT_EQ(house.code(), "email-unverified");

  House by_domain([](config::OidcAuthenticator& oidc) {
    oidc.email_domains = {"planet.example"};
    oidc.attributes = {"email"};
  });
  by_domain.more["email"] = "fry@planet.example";
  EXPECT_EQ(by_domain.code(), "email-unverified");
  House by_name([](config::OidcAuthenticator& oidc) { oidc.attributes = {"email", "groups"}; });
  by_name.more["email"] = "fry@planet.example";
  const SignedIn person = by_name.in();
  EXPECT_FALSE(person.state->attributes.contains("email"));
  EXPECT_EQ(person.state->attributes.at("groups"), std::vector<std::string>{"crew"});
}

// GHSA-c5c4, and suffixes without a dot.
TEST(Oidc, GhsaC5c4_DomainsAreComparedWhole) {
  House house([](config::OidcAuthenticator& oidc) { oidc.email_domains = {"planet.example"}; });
  house.more["email_verified"] = true;
  for (const char* address :
       {"a@evilplanet.example", "a@planet.example.evil", "a@evil@planet.example", "planet.example",
        "@planet.example", "a@sub.planet.example", "a@planet.example ", "a@"}) {
    house.more["email"] = address;
    EXPECT_EQ(house.code(), "domain-not-allowed") << address;
  }
  house.more["email"] = "a@Planet.Example";
  EXPECT_TRUE(house.comes_in());
}

// GHSA-55m3-44xf-hg4h
TEST(Oidc, Ghsa55m3_HostedDomainIsTheSignedClaim) {
  House house([](config::OidcAuthenticator& oidc) { oidc.hosted_domain = "univ.example"; });
  house.more["email"] = "fry@univ.example";
  house.more["email_verified"] = true;
  house.userinfo["hd"] = "univ.example";  // not signed
  EXPECT_EQ(house.code(), "domain-not-allowed");
  house.more["hd"] = "evil-univ.example";
  EXPECT_EQ(house.code(), "domain-not-allowed");
  house.more["hd"] = "univ.example";
  EXPECT_TRUE(house.comes_in());
}

// CVE-2022-31027 (GHSA-r7v4-jwx9-wx43) and GHSA-gprj-3p75-f996: the identity provider is its own,
// signed claim, and part of who somebody is.
TEST(Oidc, Cve2022_31027_IdentityProvidersNeverMix) {
  House house([](config::OidcAuthenticator& oidc) {
    oidc.identity_providers = {{"https://a.example/idp", "a", ""},
                               {"https://b.example/idp", "b", "eppn"}};
  });
  house.more["email"] = "fry@a.example";
  house.more["email_verified"] = true;
  EXPECT_EQ(house.code(), "provider-not-allowed");
  house.userinfo["idp"] = "https://a.example/idp";  // not signed
  EXPECT_EQ(house.code(), "provider-not-allowed");
  house.more["idp"] = "https://evil.example/idp";
  EXPECT_EQ(house.code(), "provider-not-allowed");
  house.more["idp"] = "https://a.example/idp";
  house.userinfo.erase("idp");
  const SignedIn first = house.in();
  EXPECT_EQ(first.identity.username_hint, "a-fry");
  house.more["idp"] = "https://b.example/idp";
  house.more["eppn"] = "fry@b.example";
  const SignedIn second = house.in();
  EXPECT_EQ(second.identity.username_hint, "b-fry@b.example");
  EXPECT_NE(first.identity.subject, second.identity.subject);
}

TEST(Oidc, StrengthIsRequiredNotOnlyAskedFor) {
  House house([](config::OidcAuthenticator& oidc) {
    oidc.acr = {"https://refeds.org/profile/mfa", "gold"};
    oidc.amr = {"mfa"};
    oidc.max_age = seconds(3600);
  });
  EXPECT_EQ(house.code(), "sign-in-too-weak");
  house.more["acr"] = "silver";
  EXPECT_EQ(house.code(), "sign-in-too-weak");
  house.more["acr"] = "gold";
  EXPECT_EQ(house.code(), "sign-in-too-weak");
  house.more["amr"] = {"pwd", "mfa"};
  EXPECT_EQ(house.code(), "token-refused");  // auth_time is missing
  house.more["auth_time"] = house.now() - 3700;
  EXPECT_EQ(house.code(), "sign-in-too-weak");
  house.more["auth_time"] = house.now() - 3000;
  EXPECT_TRUE(house.comes_in());
  EXPECT_EQ(text::field(house.sent, "acr_values"), "https://refeds.org/profile/mfa gold");
  EXPECT_EQ(text::field(house.sent, "max_age"), "3600");
}

TEST(Oidc, NamesThatCannotBeOneAreRefused) {
  House house;
  for (const Json& name : {Json(nullptr), Json(""), Json("  "), Json(std::string(65, 'x')),
                           Json("a\u200bb"), Json("a\nb"), Json({"a", "b"}), Json::object()}) {
    house.more["preferred_username"] = name;
    const std::string code = house.code();
    EXPECT_TRUE(code == "name-missing" || code == "name-invalid") << name << code;
  }
}

TEST(Oidc, GroupsComeInManyShapes) {
  using Texts = std::vector<std::string>;
  House house([](config::OidcAuthenticator& oidc) {
    oidc.groups_prefix = "u:";
    oidc.groups_separator = ";";
  });
  const std::pair<Json, Texts> shapes[] = {{{"a", "b", "a"}, {"u:a", "u:b"}},
                                           {"a; b", {"u:a", "u:b"}},
                                           {nullptr, {}},
                                           {{"a", 7, Json::object(), true}, {"u:a", "u:7"}},
                                           {Json::object(), {}}};
  for (const auto& [given, groups] : shapes) {
    house.more["groups"] = given;
    EXPECT_EQ(house.in().identity.groups, groups) << given;
  }
}

// -------------------------------------------------------------------------------------- later

struct Later : House {
  explicit Later(const std::function<void(config::OidcAuthenticator&)>& change = [](auto&) {})
      : House(change) {
    const SignedIn person = in();
    known = {person.identity, person.state};
  }
  Result<Known> again() {
    auto answer = run(method->refresh(known));
    if (answer) known = *answer;
    return answer;
  }
  Known known;
};

TEST(OidcRefresh, ATokenThatIsGoodIsAskedWith) {
  Later house;
  house.userinfo["groups"] = {"other"};
  ASSERT_TRUE(house.again());
  EXPECT_EQ(house.known.identity.groups, std::vector<std::string>{"other"});
  EXPECT_EQ(house.asked_for["/token"], 1);
}

TEST(OidcRefresh, TokensRotateAndTheNewOneCounts) {
  Later house;
  for (int i = 0; i < 3; ++i) {
    house.clock.pass(seconds(700));
    house.more["groups"] = {"g" + std::to_string(i)};
    ASSERT_TRUE(house.again()) << i;
    EXPECT_EQ(house.known.identity.groups, std::vector<std::string>{"g" + std::to_string(i)});
  }
  EXPECT_EQ(house.asked_for["/token"], 4);
}

// LemonLDAP gives none again.
TEST(OidcRefresh, AnOldTokenStaysWhenNoneComes) {
  Later house;
  house.rotates = false;
  for (int i = 0; i < 2; ++i) {
    house.clock.pass(seconds(700));
    EXPECT_TRUE(house.again());
  }
}

TEST(OidcRefresh, WhoIsGoneThereIsGoneHere) {
  Later house;
  house.clock.pass(seconds(700));
  house.refresh_token = "revoked";
  EXPECT_EQ(house.again().error().code(), Errc::forbidden);
  Later disabled;
  disabled.refresh_token = "revoked";
  ++disabled.tokens;  // the access token is refused as well, before its time
  EXPECT_EQ(disabled.again().error().code(), Errc::forbidden);
}

TEST(OidcRefresh, AnOutageIsNoSignOut) {
  Later house;
  for (const char* path : {"/token", "/userinfo"}) {
    house.down = {path};
    if (std::string_view(path) == "/token") house.clock.pass(seconds(700));
    const auto answer = house.again();
    EXPECT_TRUE(answer || answer.error().code() == Errc::unavailable) << path;
    EXPECT_EQ(house.known.identity.groups, std::vector<std::string>{"crew"});
    house.down.clear();
    EXPECT_TRUE(house.again()) << path;
  }
}

// Used twice, a rotated token ends the whole sign-in at the provider.
TEST(OidcRefresh, ANewTokenIsKeptWhateverFailsAfterwards) {
  Later house;
  house.clock.pass(seconds(700));
  house.down = {"/userinfo"};
  ASSERT_TRUE(house.again());
  house.down.clear();
  house.clock.pass(seconds(700));
  house.change_claims = [](Json& claims) { claims["aud"] = "other"; };
  ASSERT_TRUE(house.again());
  EXPECT_EQ(house.known.identity.groups, std::vector<std::string>{"crew"});
  house.change_claims = nullptr;
  house.clock.pass(seconds(700));
  EXPECT_TRUE(house.again());
}

TEST(OidcRefresh, SomebodyElseIsNobody) {
  Later house;
  house.clock.pass(seconds(700));
  house.more["sub"] = "u-2";
  EXPECT_EQ(house.again().error().code(), Errc::forbidden);
}

TEST(OidcRefresh, ServersGetATokenOnlyWhereTheOperatorSaysSo) {
  Later closed;
  EXPECT_FALSE(closed.method->access_token(*closed.known.state));
  Later open([](config::OidcAuthenticator& oidc) { oidc.tokens_for_servers = true; });
  const auto token = open.method->access_token(*open.known.state);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->value, "at-1");
  EXPECT_EQ(token->expires, open.clock.now() + seconds(600));
  open.clock.pass(seconds(700));  // over: whoever asked sees that, and asks again after a refresh
  EXPECT_EQ(open.method->access_token(*open.known.state)->value, "at-1");
  ASSERT_TRUE(open.again());
  EXPECT_EQ(open.method->access_token(*open.known.state)->value, "at-2");
}

// ------------------------------------------------------------------------------------ sign-out

TEST(OidcLogout, TheProviderEndsASession) {
  House house;
  auto answer = house.log_out(house.logout_token());
  const auto& ended = std::get<EndSessions>(*answer);
  EXPECT_EQ(ended.subject, "u-1");
  EXPECT_EQ(ended.provider_session, "s-1");
  EXPECT_EQ(ended.reply.status, 200);
  EXPECT_TRUE(house.method->takes_foreign_post("backchannel-logout"));
  EXPECT_FALSE(house.method->takes_foreign_post("callback"));
}

TEST(OidcLogout, TokensThatAreNoneAreRefused) {
  House house;
  const std::string used = house.logout_token();
  EXPECT_TRUE(std::holds_alternative<EndSessions>(*house.log_out(used)));
  std::vector<std::pair<const char*, std::string>> wrongs = {
      {"used", used}, {"nothing", ""}, {"an id_token", house.sign(house.claims())}};
  const auto add = [&](const char* what, const Change& change) {
    wrongs.emplace_back(what, house.logout_token(change));
  };
  add("nonce", [](Json& c) { c["nonce"] = "x"; });
  add("no jti", [](Json& c) { c.erase("jti"); });
  add("no iat", [](Json& c) { c.erase("iat"); });
  add("old", [](Json& c) { c["iat"] = c["iat"].get<std::int64_t>() - 700; });
  add("over", [](Json& c) { c["exp"] = c["iat"].get<std::int64_t>() - 100; });
  add("no events", [](Json& c) { c.erase("events"); });
  add("other events", [](Json& c) { c["events"] = {{"x", Json::object()}}; });
  add("iss", [](Json& c) { c["iss"] = "https://evil.example"; });
  add("aud", [](Json& c) { c["aud"] = "other"; });
  add("nobody", [](Json& c) { c.erase("sub"), c.erase("sid"); });
  for (const auto& [what, token] : wrongs) {
    auto answer = house.log_out(token);
    const auto* reply = std::get_if<Reply>(&*answer);
    ASSERT_NE(reply, nullptr) << what;
    EXPECT_EQ(reply->status, 400) << what;
  }
}

// The reverse: nobody comes in with a logout token.
TEST(OidcLogout, ALogoutTokenSignsNobodyIn) {
  House house;
  house.make_token = [&](const Json& claims) {
    return house.logout_token([&](Json& all) { all["nonce"] = claims["nonce"]; });
  };
  EXPECT_EQ(house.code(), "token-refused");
}

TEST(OidcLogout, BrowsersAreSentToSignOutThere) {
  House house;
  EXPECT_EQ(house.method->sign_out_url("h", "b"), "");  // nothing is known of the provider yet
  const SignedIn person = house.in();
  const std::string url = house.method->sign_out_url("hint", "https://hub.test/hub/login");
  EXPECT_EQ(url, house.issuer +
                     "/end?id_token_hint=hint&client_id=hub&post_logout_redirect_uri="
                     "https%3A%2F%2Fhub.test%2Fhub%2Flogin");
  EXPECT_FALSE(person.sign_out_hint.empty());
  house.settings.oidc.provider_sign_out = false;
  house.set_up();
  EXPECT_TRUE(house.in().sign_out_hint.empty());
  EXPECT_EQ(house.method->sign_out_url("hint", "b"), "");
}

// -------------------------------------------------------------------------------------- GitHub

struct GitHub : House {
  GitHub()
      : House([](config::OidcAuthenticator& oidc) {
          const std::string at = std::exchange(oidc.issuer, "");
          oidc.preset = "github";
          oidc.authorize_url = at + "/authorize";
          oidc.token_url = at + "/token";
          oidc.userinfo_url = at + "/user";
          oidc.organizations = {"Inria"};
        }) {
    gives_id_token = false;
    custom = [this](const Asked& asked) -> std::optional<Answered> {
      if (asked.path == "/user") return Answered{200, user.dump()};
      if (!asked.path.starts_with("/user/orgs?")) return std::nullopt;
      const bool first = asked.path.ends_with("&page=1");
      if (!first && fails_later) return Answered{502, "{}"};
      return Answered{200, (first ? page : last).dump()};
    };
    for (int i = 0; i < 100; ++i) page.push_back({{"login", "org-" + std::to_string(i)}});
  }
  Json user = {{"id", 4711}, {"login", "fry"}, {"name", "Philip Fry"}};
  Json page = Json::array();
  Json last = Json::array({{{"login", "inria"}}});
  bool fails_later = false;
};

TEST(OidcGitHub, TheIdIsTheSubjectAndOrganizationsAreRequired) {
  GitHub house;
  const SignedIn person = house.in();
  EXPECT_EQ(person.identity.subject, "4711");
  EXPECT_EQ(person.identity.username_hint, "fry");
  EXPECT_EQ(person.identity.groups.size(), 101U);
  EXPECT_TRUE(text::field(house.sent, "nonce").empty());
  EXPECT_EQ(text::field(house.sent, "scope"), "read:user read:org");
  house.last = Json::array();
  EXPECT_EQ(house.code(), "organization-not-allowed");
}

// CVE-2018-7206: what could not be read whole lets nobody in.
TEST(OidcGitHub, Cve2018_7206_AHalfReadListFailsClosed) {
  GitHub house;
  house.fails_later = true;
  EXPECT_EQ(house.code(), "provider-unreachable");
  house.fails_later = false;
  house.last = house.page;  // there is no end to it
  EXPECT_EQ(house.code(), "provider-unreachable");
}

TEST(OidcGitHub, AnErrorWithStatus200IsOne) {
  GitHub house;
  const auto usual = house.custom;
  house.custom = [&](const Asked& asked) -> std::optional<Answered> {
    if (asked.path == "/token") return Answered{200, R"({"error":"bad_verification_code"})"};
    return usual(asked);
  };
  EXPECT_EQ(house.code(), "code-refused");
}

// --------------------------------------------------------------------------------------- check

TEST(OidcCheck, SaysWhatIsRightAndWhatIsNot) {
  House house;
  const auto levels = [&] {
    std::string all;
    for (const Finding& one : house.run(house.method->check()))
      all += one.level == Finding::Level::good    ? 'g'
             : one.level == Finding::Level::wrong ? 'w'
                                                  : '?';
    return all;
  };
  EXPECT_EQ(levels(), "ggg?g");  // no back-channel logout announced
  house.down = {"/jwks"};
  EXPECT_EQ(levels(), "ggw?g");
  house.down = {"/.well-known/openid-configuration"};
  EXPECT_EQ(levels(), "wg");
}

}  // namespace
}  // namespace passerelle::auth
