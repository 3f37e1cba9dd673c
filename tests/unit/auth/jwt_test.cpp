// Tokens and keys by the standards' own examples, and what is no token at all. What claims must say
// is tested in tests/contract/authenticator.
#include "auth/jwt.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "auth/jwks.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {
namespace {

const std::vector<std::string> kAll = {"RS256", "PS256", "ES256", "EdDSA"};

// RFC 7515, A.3
constexpr const char* kEcToken =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
    "pmWQxfKTUJqPP3-Kg6NU1Q";
constexpr const char* kEcKeys =
    R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";
// RFC 8037, A.4: its payload is no JSON.
constexpr const char* kEdToken =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
constexpr const char* kEdKeys =
    R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

TEST(Jwt, TheStandardsExamplesAreRight) {
  const auto ec = read_key_set(kEcKeys);
  ASSERT_EQ(ec->size(), 1U);
  const auto token = jwt::take_apart(kEcToken, kAll);
  ASSERT_TRUE(token);
  const auto claims = jwt::open(*token, ec->front());
  ASSERT_TRUE(claims) << claims.error().message();
  EXPECT_EQ((*claims)["iss"], "joe");

  const auto ed = read_key_set(kEdKeys);
  ASSERT_EQ(ed->size(), 1U);
  const auto signed_text = jwt::open(*jwt::take_apart(kEdToken, kAll), ed->front());
  EXPECT_EQ(signed_text.error().message(), "token claims: JSON: cannot be read");
  const auto wrong = jwt::open(*jwt::take_apart(kEdToken, kAll), ec->front());
  EXPECT_EQ(wrong.error().message(), "token: the key is of another kind");
}

TEST(Jwt, EveryFlippedBitIsSeen) {
  const auto keys = read_key_set(kEcKeys);
  const std::string token = kEcToken;
  for (std::size_t at = 0; at < token.size(); ++at) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    if (changed == token) continue;
    const auto apart = jwt::take_apart(changed, kAll);
    EXPECT_FALSE(apart && jwt::open(*apart, keys->front())) << at;
  }
}

TEST(Jwt, WhatIsSignedHereOpensHere) {
  for (const char* kind : {"RSA", "EC", "ED25519"}) {
    EVP_PKEY* made = std::string_view(kind) == "RSA"
                         ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind, std::size_t{2048})
                     : std::string_view(kind) == "EC"
                         ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind, "P-256")
                         : EVP_PKEY_Q_keygen(nullptr, nullptr, kind);
    const jwt::Key key{"k", "", {made, EVP_PKEY_free}};
    const auto token = jwt::sign({{"typ", "JWT"}}, {{"sub", "x"}}, key);
    ASSERT_TRUE(token) << kind;
    const auto apart = jwt::take_apart(*token, kAll);
    ASSERT_TRUE(apart) << kind;
    EXPECT_EQ(apart->key_id, "k");
    EXPECT_EQ((*jwt::open(*apart, key))["sub"], "x") << kind;
  }
  EVP_PKEY* weak = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024});
  EXPECT_FALSE(jwt::sign({}, {{"sub", "x"}}, {"", "", {weak, EVP_PKEY_free}}));
}

TEST(Jwt, PssIsVerifiedWithItsOwnSaltLength) {
  const jwt::Key key{
      "", "", {EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}), EVP_PKEY_free}};
  const auto made = [&](int salt) {
    const std::string part = secrets::to_base64url(R"({"alg":"PS256"})") + ".e30";
    EVP_MD_CTX* digesting = EVP_MD_CTX_new();
    EVP_PKEY_CTX* context = nullptr;
    EVP_DigestSignInit(digesting, &context, EVP_sha256(), nullptr, key.key.get());
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt);
    std::string signature(256, '\0');
    std::size_t length = signature.size();
    EVP_DigestSign(digesting, reinterpret_cast<unsigned char*>(signature.data()), &length,
                   reinterpret_cast<const unsigned char*>(part.data()), part.size());
    EVP_MD_CTX_free(digesting);
    return part + "." + secrets::to_base64url(signature);
  };
  EXPECT_TRUE(jwt::open(*jwt::take_apart(made(32), kAll), key));
  EXPECT_FALSE(jwt::open(*jwt::take_apart(made(20), kAll), key));
}

std::string with_header(const std::string& header) {
  return secrets::to_base64url(header) + ".e30.AAAA";
}

TEST(Jwt, HeadersAreReadStrictly) {
  EXPECT_TRUE(jwt::take_apart(with_header(R"({"alg":"RS256"})"), kAll));
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"NONE"})", R"({"alg":"HS256"})", R"({"alg":"RS1"})", R"({})",
        R"({"alg":null})", R"({"alg":["RS256"]})", R"(["RS256"])",
        R"({"alg":"RS256","alg":"none"})", R"({"alg":"RS256","crit":[]})",
        R"({"alg":"RS256","b64":true})", R"({"alg":"RS256","kid":7})", R"({"alg":"RS256"}x)",
        R"({"alg":"RS256",})", "{\"alg\":\"RS256\",\"x\":\"\xff\"}", ""})
    EXPECT_FALSE(jwt::take_apart(with_header(header), kAll)) << header;
  const std::vector<std::string> none;
  EXPECT_FALSE(jwt::take_apart(with_header(R"({"alg":"RS256"})"), none));
  EXPECT_FALSE(jwt::take_apart(std::string(jwt::kLongest + 1, 'a'), kAll));
  EXPECT_FALSE(jwt::take_apart(with_header(R"({"alg":"RS256"})") + ".AAAA.AAAA", kAll));
}

TEST(Jwt, Base64urlHasOneSpelling) {
  EXPECT_EQ(jwt::decode_base64url(""), "");
  EXPECT_EQ(jwt::decode_base64url("AA"), std::string(1, '\0'));
  EXPECT_EQ(jwt::decode_base64url("-_8"), "\xfb\xff");
  for (const char* wrong : {"A", "AB", "AAB", "AA==", "A A", "+/8", "AA\n", "AAAAA"})
    EXPECT_FALSE(jwt::decode_base64url(wrong)) << wrong;
}

TEST(Jwt, TimesAreNumbersThatAreTimes) {
  EXPECT_EQ(**jwt::time_claim({{"exp", 1.5}}, "exp"), from_micros(1'500'000));
  EXPECT_FALSE(*jwt::time_claim({{"iat", 1}}, "exp"));
  for (const nlohmann::json& wrong :
       {nlohmann::json("1"), nlohmann::json(-1), nlohmann::json(1e300), nlohmann::json(nullptr)})
    EXPECT_FALSE(jwt::time_claim({{"exp", wrong}}, "exp")) << wrong;
}

TEST(Jwks, KeysThatAreNotForUsArePassedOver) {
  const auto keys = read_key_set(R"({"keys":[
    {"kty":"oct","k":"AAAA"}, {"kty":"EC","crv":"P-384","x":"AA","y":"AA"}, {"kty":"RSA"}, 7, {},
    {"kty":"RSA","n":"AQAB","e":"AQAB"},
    {"kty":"EC","crv":"P-256","use":"enc","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
     "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
     "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"},
    {"kty":"EC","crv":"P-256","alg":"ES512","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
     "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_TRUE(keys->empty());
  for (const char* wrong : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[],"keys":[]})"})
    EXPECT_FALSE(read_key_set(wrong)) << wrong;
}

}  // namespace
}  // namespace passerelle::auth
