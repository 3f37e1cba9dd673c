// The tokens that attackers of other tools sent, one test for each idea: algorithms, keys, parts,
// claims, states. The vectors (lti13_test.cpp) hold some of them again, signed by somebody else.
#include <openssl/hmac.h>

#include "tests/contract/authenticator/lti13_house.hpp"

namespace passerelle::auth {
namespace {

using testing::Answered;
using testing::Json;
using testing::kDl;
using testing::kLti;
using testing::Moodle;

std::string hmac_sha256(const std::string& key, const std::string& text) {
  std::string out(32, '\0');
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &length);
  return out;
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

/// Each gives the code that a launch is refused with; "": it is taken.
struct Attacked : Moodle {
  std::string with_token(const std::function<std::string()>& make) {
    AuthRequest back = come_back();
    back.form[1].second = make();
    return code(std::move(back));
  }
  std::string with_parts(const std::string& header, const std::string& signature) {
    return with_token([&] {
      return secrets::to_base64url(header) + "." + secrets::to_base64url(claims().dump()) + "." +
             secrets::to_base64url(signature);
    });
  }
  /// Signed by the platform, or by `by`; with more in the header.
  std::string with_header(const Json& header, const jwt::Key* by = nullptr) {
    return with_token(
        [&] { return jwt::sign(header, claims(), by == nullptr ? key : *by).value(); });
  }
  /// Signed by the platform, whatever the claims' text is.
  std::string with_text(const std::function<std::string()>& text) {
    return with_token([&] {
      const std::string part = secrets::to_base64url(R"({"alg":"RS256","kid":"k1"})") + "." +
                               secrets::to_base64url(text());
      EVP_MD_CTX* context = EVP_MD_CTX_new();
      EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key.key.get());
      std::string signature(256, '\0');
      std::size_t length = signature.size();
      EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &length,
                     reinterpret_cast<const unsigned char*>(part.data()), part.size());
      EVP_MD_CTX_free(context);
      return part + "." + secrets::to_base64url(signature);
    });
  }
  std::string with(const std::string& claim, const Json& value) {
    change = [&](Json& all) { all[claim] = value; };
    return code(come_back());
  }
  std::string without(const std::string& claim) {
    change = [&](Json& all) { all.erase(claim); };
    return code(come_back());
  }
  std::string at(const char* claim, std::int64_t seconds_from_now) {
    return with(claim, now() + seconds_from_now);
  }
  std::size_t fetches() { return asked_for("/jwks").size(); }
};

TEST(Lti13Token, TheRightOneIsTaken) {
  Attacked moodle;
  EXPECT_EQ(moodle.with_header({{"typ", "JWT"}}), "");
  EXPECT_EQ(moodle.with_text([&] { return moodle.claims().dump(); }), "") << "the forger works";
}

// ---- algorithms

TEST(Lti13Token, AlgNoneInAnySpellingIsRefused) {
  Attacked moodle;
  for (const char* none : {"none", "None", "NONE", "nOnE", "none ", ""})
    for (const char* signature : {"", "x"})
      EXPECT_EQ(moodle.with_parts(Json{{"alg", none}, {"kid", "k1"}}.dump(), signature), "LTI-ALG")
          << none;
}

TEST(Lti13Token, AMissingAlgIsRefused) {
  Attacked moodle;
  for (const char* header : {R"({"kid":"k1"})", R"({"alg":null,"kid":"k1"})",
                             R"({"alg":["RS256"]})", R"({"alg":256})", R"({"ALG":"RS256"})"})
    EXPECT_EQ(moodle.with_parts(header, "x"), "LTI-ALG") << header;
}

TEST(Lti13Token, Hs256WithThePublicKeyAsSecretIsRefused) {
  Attacked moodle;
  const std::string pem = public_pem(moodle.key);
  const std::string jwk = testing::rsa_jwk(moodle.key).dump();
  for (const std::string& secret : {pem, jwk, testing::number_of(moodle.key, "n"), std::string()})
    for (const char* algorithm : {"HS256", "HS384", "HS512"}) {
      const std::string outcome = moodle.with_token([&] {
        const std::string part =
            secrets::to_base64url(Json{{"alg", algorithm}, {"kid", "k1"}}.dump()) + "." +
            secrets::to_base64url(moodle.claims().dump());
        return part + "." + secrets::to_base64url(hmac_sha256(secret, part));
      });
      EXPECT_EQ(outcome, "LTI-ALG");
    }
}

TEST(Lti13Token, NoOtherAlgorithmIsAllowed) {
  Attacked moodle;
  for (const char* algorithm : {"RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "RSA1_5"})
    EXPECT_EQ(moodle.with_parts(Json{{"alg", algorithm}, {"kid", "k1"}}.dump(), "x"), "LTI-ALG")
        << algorithm;
}

// A key set may hold keys of other kinds; a token cannot choose one of them.
TEST(Lti13Token, AnAllowedAlgorithmNeedsAKeyOfItsKind) {
  Attacked moodle;
  const jwt::Key curve = testing::new_key("EC", "k1");
  EXPECT_EQ(moodle.with_header({}, &curve), "LTI-ALG");
}

// ---- keys

TEST(Lti13Token, KeysThatTheTokenBringsAreNotLookedAt) {
  Attacked moodle;
  jwt::Key own = testing::other_key("k1");
  for (const Json& header :
       {Json{{"jwk", testing::rsa_jwk(own)}}, Json{{"jku", moodle.issuer + "/evil"}},
        Json{{"x5u", moodle.issuer + "/evil"}}, Json{{"x5c", Json::array({"MIIB"})}}}) {
    own.id = "k1";
    EXPECT_EQ(moodle.with_header(header, &own), "LTI-SIG") << header;
    own.id = "evil";
    EXPECT_EQ(moodle.with_header(header, &own), "LTI-KEYSET") << header;
  }
  EXPECT_TRUE(moodle.asked_for("/evil").empty());
}

TEST(Lti13Token, AnUnknownKidIsLookedForOnceAMinute) {
  Attacked moodle;
  EXPECT_EQ(moodle.code(moodle.come_back()), "");
  EXPECT_EQ(moodle.fetches(), 1U);
  jwt::Key own = testing::other_key("");
  for (int i = 0; i < 20; ++i) {
    own.id = "random-" + std::to_string(i);
    EXPECT_EQ(moodle.with_header({}, &own), "LTI-KEYSET");
  }
  EXPECT_EQ(moodle.fetches(), 2U);
  moodle.clock.pass(seconds(60));
  EXPECT_EQ(moodle.with_header({}, &own), "LTI-KEYSET");
  EXPECT_EQ(moodle.fetches(), 3U);
}

TEST(Lti13Token, AKidIsANameAndNothingElse) {
  Attacked moodle;
  jwt::Key own = testing::other_key("");
  for (const std::string& kid :
       {std::string("../../../../dev/null"), std::string("/dev/null"), std::string("k1' OR '1'='1"),
        std::string("k1\0", 3), std::string("K1"), std::string("k1 "), moodle.issuer + "/evil",
        std::string("| /bin/sh"), std::string(2000, 'k')}) {
    own.id = kid;
    EXPECT_EQ(moodle.with_header({}, &own), "LTI-KEYSET") << kid;
  }
  for (const char* header : {R"({"alg":"RS256","kid":["k1"]})", R"({"alg":"RS256","kid":1})"})
    EXPECT_EQ(moodle.with_parts(header, "x"), "LTI-TOKEN") << header;
  EXPECT_TRUE(moodle.asked_for("/evil").empty());
}

TEST(Lti13Token, WithoutAKidThereMustBeNoChoice) {
  Attacked moodle;
  jwt::Key nameless = moodle.key;
  nameless.id.clear();
  EXPECT_EQ(moodle.with_header({}, &nameless), "");
  Attacked two;
  const jwt::Key other = testing::other_key("k2");
  two.key_set = [&] {
    return Answered{
        200,
        Json{{"keys", Json::array({testing::rsa_jwk(two.key), testing::rsa_jwk(other)})}}.dump()};
  };
  nameless = two.key;
  nameless.id.clear();
  EXPECT_EQ(two.with_header({}, &nameless), "LTI-KEYSET");
}

TEST(Lti13Token, KeysForOtherThingsVerifyNothing) {
  Json whole;
  for (const Json& change :
       {Json{{"use", "enc"}}, Json{{"alg", "RS512"}}, Json{{"alg", "RSA-OAEP"}},
        Json{{"key_ops", Json::array({"sign"})}}, Json{{"kty", "oct"}}, Json{{"e", "AQ"}},
        Json{{"n", secrets::to_base64url(std::string(128, '\xFF'))}}}) {
    Attacked moodle;
    whole = testing::rsa_jwk(moodle.key);
    whole.update(change);
    moodle.key_set = [&] { return Answered{200, Json{{"keys", Json::array({whole})}}.dump()}; };
    EXPECT_EQ(moodle.code(moodle.come_back()), "LTI-KEYSET") << change;
  }
}

TEST(Lti13Token, AKeySetThatCannotBeHadIsSaidAndTheKeysKnownGoOn) {
  Attacked moodle;
  for (const Answered& answer :
       {Answered{500, "{}"}, Answered{404, "{}"}, Answered{200, "<html>"}, Answered{200, "{}"},
        Answered{200, "{\"keys\":[]," + std::string(600'000, ' ') + "\"x\":1}"}}) {
    moodle.key_set = [&] { return answer; };
    EXPECT_EQ(moodle.code(moodle.come_back()), "LTI-KEYS") << answer.status;
  }
  moodle.key_set = nullptr;
  EXPECT_EQ(moodle.code(moodle.come_back()), "");
  moodle.key_set = [] { return Answered{500, "{}"}; };
  moodle.clock.pass(std::chrono::hours(25));
  EXPECT_EQ(moodle.code(moodle.come_back()), "");
}

// ---- parts

TEST(Lti13Token, WhatWasChangedIsSeen) {
  Attacked moodle;
  const auto signed_one = [&] { return jwt::sign({}, moodle.claims(), moodle.key).value(); };
  EXPECT_EQ(moodle.with_token([&] {
    const std::string compact = signed_one();
    Json all = moodle.claims();
    all["sub"] = "6";
    const std::size_t first = compact.find('.'), second = compact.rfind('.');
    return compact.substr(0, first + 1) + secrets::to_base64url(all.dump()) +
           compact.substr(second);
  }),
            "LTI-SIG");
  EXPECT_EQ(moodle.with_token([&] {
    const std::string compact = signed_one();
    return secrets::to_base64url(R"({"alg":"RS256","kid":"k1","typ":"x"})") +
           compact.substr(compact.find('.'));
  }),
            "LTI-SIG")
      << "the header is signed as well";
  EXPECT_EQ(moodle.with_token([&] {
    const std::string compact = signed_one();
    return compact.substr(0, compact.rfind('.') + 1);
  }),
            "LTI-SIG")
      << "no signature";
}

TEST(Lti13Token, ThereAreThreePartsInOneSpelling) {
  Attacked moodle;
  const auto signed_one = [&] { return jwt::sign({}, moodle.claims(), moodle.key).value(); };
  for (const auto& spoil : std::vector<std::function<std::string(std::string)>>{
           [](std::string one) { return one.substr(0, one.rfind('.')); },
           [](std::string one) { return one + "."; }, [](std::string one) { return one + "="; },
           [](std::string one) { return one + "\n"; }, [](std::string one) { return " " + one; },
           [](std::string one) { return one.replace(one.find('.'), 1, ".."); },
           [](std::string one) { return one + ".x.y"; },  // a JWE has five
           [](std::string) { return std::string(); }, [](std::string) { return std::string(".."); },
           [](std::string one) { return one + std::string(70'000, 'A'); }})
    EXPECT_EQ(moodle.with_token([&] { return spoil(signed_one()); }), "LTI-TOKEN");
}

TEST(Lti13Token, WhatIsPackedIsNotUnpacked) {
  Attacked moodle;
  const std::string bomb = R"({"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF"})";
  EXPECT_EQ(moodle.with_token([&] {
    return secrets::to_base64url(bomb) + ".a.a." + std::string(50'000, 'A') + ".a";
  }),
            "LTI-TOKEN");
}

TEST(Lti13Token, ExtensionsThatMustBeUnderstoodAreRefused) {
  Attacked moodle;
  EXPECT_EQ(moodle.with_header({{"crit", {"exp"}}}), "LTI-HEADER");
  EXPECT_EQ(moodle.with_header({{"crit", {"b64"}}, {"b64", false}}), "LTI-HEADER");
  EXPECT_EQ(moodle.with_header({{"b64", false}}), "LTI-TOKEN");
}

TEST(Lti13Token, WhatTwoReadersReadDifferentlyIsRefused) {
  Attacked moodle;
  const auto twice = [&](const char* first) {
    return moodle.with_text([&] { return first + moodle.claims().dump().substr(1); });
  };
  EXPECT_EQ(twice(R"({"sub":"admin",)"), "LTI-TOKEN");
  EXPECT_EQ(twice(R"({"s\u0075b":"admin",)"), "LTI-TOKEN");
  EXPECT_EQ(twice(R"({"aud":"other",)"), "LTI-TOKEN");
  EXPECT_EQ(moodle.with_text([&] { return "[" + moodle.claims().dump() + "]"; }), "LTI-TOKEN");
  EXPECT_EQ(moodle.with_text([&] { return moodle.claims().dump() + "x"; }), "LTI-TOKEN");
  EXPECT_EQ(moodle.with_text([&] { return std::string(40'000, '['); }), "LTI-TOKEN");
  EXPECT_EQ(moodle.with_text([] { return std::string("\xFF\xFE"); }), "LTI-TOKEN");
  EXPECT_EQ(moodle.with_parts(R"({"alg":"none","alg":"RS256","kid":"k1"})", "x"), "LTI-TOKEN");
}

// ---- claims

TEST(Lti13Token, TheIssuerIsThePlatformLetterForLetter) {
  Attacked moodle;
  for (const Json& issuer : {Json("https://evil.example"), Json(moodle.issuer + "/"), Json(""),
                             Json(1), Json::array({moodle.issuer}), Json(nullptr)})
    EXPECT_EQ(moodle.with("iss", issuer), "LTI-ISS") << issuer;
  EXPECT_EQ(moodle.without("iss"), "LTI-ISS");
}

TEST(Lti13Token, TheAudienceIsUs) {
  Attacked moodle;
  for (const Json& audience :
       {Json("other"), Json("hub2"), Json("hu"), Json("HUB"), Json(""), Json(7), Json(nullptr),
        Json::array(), Json::array({"other"}), Json{{"hub", "hub"}}, Json::array({{"hub"}})})
    EXPECT_EQ(moodle.with("aud", audience), "LTI-AUD") << audience;
  EXPECT_EQ(moodle.without("aud"), "LTI-AUD");
  EXPECT_EQ(moodle.with("aud", Json::array({"hub"})), "");
}

TEST(Lti13Token, TheAuthorizedPartyIsUs) {
  Attacked moodle;
  EXPECT_EQ(moodle.with("aud", Json::array({"hub", "other"})), "LTI-AZP");
  for (const Json& party : {Json("other"), Json(""), Json(nullptr), Json::array({"hub"})})
    EXPECT_EQ(moodle.with("azp", party), "LTI-AZP") << party;
  moodle.change = [](Json& all) {
    all["aud"] = Json::array({"other", "hub"});
    all["azp"] = "hub";
  };
  EXPECT_EQ(moodle.code(moodle.come_back()), "");
}

TEST(Lti13Token, ItEndsAndHasBegun) {
  Attacked moodle;
  EXPECT_EQ(moodle.without("exp"), "LTI-EXP");
  EXPECT_EQ(moodle.without("iat"), "LTI-TIME");
  for (const Json& odd :
       {Json("4102444800"), Json(nullptr), Json(true), Json(-1), Json(1e300), Json::array()}) {
    EXPECT_EQ(moodle.with("exp", odd), "LTI-EXP") << odd;
    EXPECT_EQ(moodle.with("iat", odd), "LTI-TIME") << odd;
  }
  EXPECT_EQ(moodle.at("exp", -59), "") << "clocks differ by a minute";
  EXPECT_EQ(moodle.at("exp", -60), "LTI-EXP");
  EXPECT_EQ(moodle.at("iat", 60), "");
  EXPECT_EQ(moodle.at("iat", 61), "LTI-TIME");
  EXPECT_EQ(moodle.at("iat", -600), "");
  EXPECT_EQ(moodle.at("iat", -601), "LTI-TIME");
  EXPECT_EQ(moodle.with("exp", static_cast<double>(moodle.now()) + 0.5), "") << "fractions";
}

TEST(Lti13Token, TheNonceIsTheFlows) {
  Attacked moodle;
  for (const Json& nonce : {Json(""), Json("other"), Json(0), Json(nullptr)})
    EXPECT_EQ(moodle.with("nonce", nonce), "LTI-NONCE") << nonce;
  EXPECT_EQ(moodle.without("nonce"), "LTI-NONCE");
  moodle.change = nullptr;
  moodle.come_back();
  const std::string before(text::field(moodle.sent, "nonce"));
  EXPECT_EQ(moodle.with("nonce", before), "LTI-NONCE") << "another flow's";
}

TEST(Lti13Token, TheDeploymentIsOneOfTheOperators) {
  Attacked moodle;
  for (const Json& id : {Json("3"), Json(""), Json(1), Json::array({"1"}), Json("1 "), Json("*")})
    EXPECT_EQ(moodle.with(kLti + "deployment_id", id), "LTI-DEPLOYMENT") << id;
  EXPECT_EQ(moodle.without(kLti + "deployment_id"), "LTI-DEPLOYMENT");
  EXPECT_EQ(moodle.with(kLti + "deployment_id", "2"), "");
}

TEST(Lti13Token, TheMessageIsOneThatWeKnow) {
  Attacked moodle;
  for (const Json& version : {Json("1.3"), Json("1.1.0"), Json(1.3), Json(nullptr)})
    EXPECT_EQ(moodle.with(kLti + "version", version), "LTI-VERSION") << version;
  for (const Json& type : {Json("LtiSubmissionReviewRequest"), Json(""), Json(nullptr),
                           Json::array({"LtiResourceLinkRequest"})})
    EXPECT_EQ(moodle.with(kLti + "message_type", type), "LTI-MESSAGE") << type;
  EXPECT_EQ(moodle.without(kLti + "resource_link"), "LTI-FIELD");
  EXPECT_EQ(moodle.with(kLti + "resource_link", {{"id", ""}}), "LTI-FIELD");
  EXPECT_EQ(moodle.with(kLti + "resource_link", "rl-1"), "LTI-FIELD");
  EXPECT_EQ(moodle.with(kLti + "message_type", "LtiDeepLinkingRequest"), "LTI-FIELD");
  moodle.change = [](Json& all) {
    all[kLti + "message_type"] = "LtiDeepLinkingRequest";
    all[kDl + "deep_linking_settings"] = {{"deep_link_return_url", 1}};
  };
  EXPECT_EQ(moodle.code(moodle.come_back()), "LTI-FIELD");
}

TEST(Lti13Token, SomebodyMustBeThere) {
  Attacked moodle;
  for (const Json& subject :
       {Json(""), Json(5), Json(nullptr), Json(std::string(256, 's')), Json("a\nb"), Json("a\x7F")})
    EXPECT_EQ(moodle.with("sub", subject), "LTI-USER") << subject;
  EXPECT_EQ(moodle.without("sub"), "LTI-USER");
}

TEST(Lti13Token, TheSignedTargetCounts) {
  Attacked moodle;
  AuthRequest start = moodle.initiation();
  start.form[3].second = "https://hub.test/hub/user-redirect/lab/evil";
  auto away = moodle.ask(start);
  const auto& redirect = std::get<Redirect>(*away);
  moodle.sent =
      *text::parse_form(std::string_view(redirect.url).substr(redirect.url.find('?') + 1));
  AuthRequest back = moodle.request("POST", "oauth_callback");
  for (const auto& [name, cookie] : redirect.set_cookies) back.cookies[name] = cookie.value;
  back.form = {{"state", std::string(text::field(moodle.sent, "state"))},
               {"id_token", jwt::sign({}, moodle.claims(), moodle.key).value()}};
  auto in = moodle.ask(back);
  EXPECT_EQ(std::get<SignedIn>(*in).next, "");
}

// ---- states

TEST(Lti13Token, AStateIsOursAndUsedUpByAnyAnswer) {
  Attacked moodle;
  AuthRequest none = moodle.come_back();
  none.form.erase(none.form.begin());
  EXPECT_EQ(moodle.code(none), "LTI-STATE");
  for (const std::string& state : {std::string("x"), std::string(5000, 'x'), std::string()}) {
    AuthRequest odd = moodle.come_back();
    odd.form[0].second = state;
    EXPECT_EQ(moodle.code(odd), "LTI-STATE");
  }
  AuthRequest changed = moodle.come_back();
  changed.form[0].second[20] = changed.form[0].second[20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(moodle.code(changed), "LTI-STATE");
  AuthRequest back = moodle.come_back();
  AuthRequest bad = back;
  bad.form[1].second = "no.token.x";
  EXPECT_EQ(moodle.code(bad), "LTI-TOKEN");
  EXPECT_EQ(moodle.code(back), "LTI-REPLAY");
}

TEST(Lti13Token, AStateOfAnotherAuthenticatorIsNone) {
  Attacked moodle;
  const AuthRequest back = moodle.come_back();
  config::Authenticator other = moodle.settings;
  other.name = "other";
  moodle.method = make_authenticator(other, moodle.around()).value();
  EXPECT_EQ(moodle.code(back), "LTI-STATE");
}

TEST(Lti13Token, WhatThePlatformDeclinesIsNotRepeated) {
  Attacked moodle;
  AuthRequest back = moodle.come_back();
  back.form[1] = {"error", "<script>alert(1)</script>"};
  back.form.emplace_back("error_description", std::string(10'000, 'x'));
  auto answer = moodle.ask(back);
  const auto& form = std::get<ShowForm>(*answer);
  EXPECT_EQ(form.code, "LTI-PLATFORM");
  EXPECT_TRUE(form.message_values.empty()) << "the page says our words only";
  EXPECT_LT(form.detail.size(), 300U);
}

}  // namespace
}  // namespace passerelle::auth
