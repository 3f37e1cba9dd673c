#include "auth/jwt.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "auth/json.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth::jwt {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 4> kAlgorithms = {"RS256", "PS256", "ES256", "EdDSA"};
constexpr std::size_t kMostHeader = 4096;
constexpr std::size_t kMostSignature = 1024;  // RSA of 8192 bits
constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;
constexpr std::size_t kP256 = 32;  // bytes of one number in an ES256 signature

Error refused(const char* why) {
  return Error(Errc::invalid, std::string("token: ") + why);
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Digesting = std::unique_ptr<EVP_MD_CTX, Free>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Free>;

// r and s side by side (RFC 7518, 3.4), as OpenSSL wants them.
std::string to_der(std::string_view raw) {
  if (raw.size() != 2 * kP256) return {};
  EcSignature signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes(raw), kP256, nullptr);
  BIGNUM* s = BN_bin2bn(bytes(raw.substr(kP256)), kP256, nullptr);
  if (signature == nullptr || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &der);
  std::string out;
  if (length > 0) out.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  return out;
}

std::string from_der(std::string_view der) {
  const unsigned char* at = bytes(der);
  const EcSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (signature == nullptr) return {};
  std::array<unsigned char, 2 * kP256> raw{};
  if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), kP256) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + kP256, kP256) < 0)
    return {};
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

const EVP_MD* digest_of(std::string_view algorithm) {
  return algorithm == "EdDSA" ? nullptr : EVP_sha256();
}

bool set_padding(EVP_PKEY_CTX* context, std::string_view algorithm) {
  if (algorithm != "PS256") return true;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

bool verifies(const Token& token, const Key& key) {
  const std::string signature =
      token.algorithm == "ES256" ? to_der(token.signature) : token.signature;
  if (signature.empty()) return false;
  const Digesting digesting(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;
  return digesting != nullptr &&
         EVP_DigestVerifyInit(digesting.get(), &context, digest_of(token.algorithm), nullptr,
                              key.key.get()) == 1 &&
         set_padding(context, token.algorithm) &&
         EVP_DigestVerify(digesting.get(), bytes(signature), signature.size(),
                          bytes(token.signed_part), token.signed_part.size()) == 1;
}

Result<std::string> algorithm_in(const Json& header, std::span<const std::string> allowed) {
  const std::string algorithm = text_member(header, "alg");
  if (algorithm.empty()) return refused("no algorithm");
  if (!is_known_algorithm(algorithm) ||
      std::find(allowed.begin(), allowed.end(), algorithm) == allowed.end())
    return refused("its algorithm is not allowed");
  return algorithm;
}

bool is_text_or_absent(const Json& object, const char* name) {
  return !object.contains(name) || object[name].is_string();
}

}  // namespace

bool is_known_algorithm(std::string_view name) noexcept {
  return std::find(kAlgorithms.begin(), kAlgorithms.end(), name) != kAlgorithms.end();
}

std::optional<std::string> decode_base64url(std::string_view encoded) {
  if (encoded.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(encoded.size() * 3 / 4);
  unsigned int bits = 0;
  int held = 0;
  for (const char c : encoded) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6U | static_cast<unsigned int>(value)) & 0xFFFU;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> static_cast<unsigned int>(held) & 0xFFU);
  }
  if ((bits & ((1U << static_cast<unsigned int>(held)) - 1U)) != 0) return std::nullopt;
  return out;
}

Result<Token> take_apart(std::string_view compact, std::span<const std::string> allowed) {
  if (compact.size() > kLongest) return refused("too long");
  const std::size_t first = compact.find('.');
  if (first == std::string_view::npos) return refused("not three parts");
  const std::size_t second = compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos)
    return refused("not three parts");

  const auto header_text = decode_base64url(compact.substr(0, first));
  if (!header_text) return refused("its header is not base64url");
  auto header = parse_json(*header_text, kMostHeader);
  if (!header) return std::move(header).error().within("token header");
  if (!header->is_object()) return refused("its header is no object");
  auto algorithm = algorithm_in(*header, allowed);
  if (!algorithm) return std::move(algorithm).error();
  if (header->contains("crit")) return refused("it demands an extension");
  if (header->contains("b64")) return refused("its payload is not encoded");
  if (!is_text_or_absent(*header, "kid") || !is_text_or_absent(*header, "typ"))
    return refused("kid and typ must be texts");

  Token token;
  token.algorithm = std::move(*algorithm);
  token.key_id = text_member(*header, "kid");
  token.type = text_member(*header, "typ");
  auto claims = decode_base64url(compact.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(compact.substr(second + 1));
  if (!claims || !signature) return refused("not base64url");
  if (signature->empty() || signature->size() > kMostSignature) return refused("no signature");
  token.claims_text = std::move(*claims);
  token.signature = std::move(*signature);
  token.signed_part = compact.substr(0, second);
  return token;
}

bool fits(const Key& key, std::string_view algorithm) noexcept {
  if (key.key == nullptr || (!key.algorithm.empty() && key.algorithm != algorithm)) return false;
  const int bits = EVP_PKEY_get_bits(key.key.get());
  switch (EVP_PKEY_get_base_id(key.key.get())) {
    case EVP_PKEY_RSA:
      return (algorithm == "RS256" || algorithm == "PS256") && bits >= kLeastRsaBits &&
             bits <= kMostRsaBits;
    case EVP_PKEY_EC:
      return algorithm == "ES256" && bits == 8 * static_cast<int>(kP256);
    case EVP_PKEY_ED25519:
      return algorithm == "EdDSA";
    default:
      return false;
  }
}

Result<Json> open(const Token& token, const Key& key) {
  if (!fits(key, token.algorithm)) return refused("the key is of another kind");
  if (!verifies(token, key)) return refused("the signature is not the key's");
  auto claims = parse_json(token.claims_text, kLongest);
  if (!claims) return std::move(claims).error().within("token claims");
  if (!claims->is_object()) return refused("its claims are no object");
  return claims;
}

Result<Key> read_private_key(const std::string& pem) {
  const std::unique_ptr<BIO, Free> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), kLongest))));
  // No password is ever asked for: whoever starts us may have no terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  Key key;
  key.key = std::shared_ptr<EVP_PKEY>(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr), EVP_PKEY_free);
  if (key.key == nullptr) return Error(Errc::invalid, "no private key in PEM");
  if (algorithm_of(key).empty())
    return Error(Errc::invalid, "the key must be RSA (2048 bits or more), EC P-256 or Ed25519");
  return key;
}

std::string_view algorithm_of(const Key& key) noexcept {
  for (const std::string_view algorithm : {"RS256", "ES256", "EdDSA"})
    if (fits(key, algorithm)) return algorithm;
  return {};
}

Result<std::string> sign(Json header, const Json& claims, const Key& key) {
  const std::string algorithm(algorithm_of(key));
  if (algorithm.empty()) return Error(Errc::invalid, "this key signs nothing");
  header["alg"] = algorithm;
  if (!key.id.empty()) header["kid"] = key.id;
  const std::string part =
      secrets::to_base64url(header.dump()) + "." + secrets::to_base64url(claims.dump());
  const Digesting digesting(EVP_MD_CTX_new());
  std::string signature(kMostSignature, '\0');
  std::size_t length = signature.size();
  const bool good =
      digesting != nullptr &&
      EVP_DigestSignInit(digesting.get(), nullptr, digest_of(algorithm), nullptr, key.key.get()) ==
          1 &&
      EVP_DigestSign(digesting.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                     bytes(part), part.size()) == 1;
  if (!good) return Error(Errc::internal, "OpenSSL could not sign");
  signature.resize(length);
  if (algorithm == "ES256") signature = from_der(signature);
  return part + "." + secrets::to_base64url(signature);
}

std::string half_hash(std::string_view algorithm, std::string_view value) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_Digest(value.data(), value.size(), digest.data(), &length,
             algorithm == "EdDSA" ? EVP_sha512() : EVP_sha256(), nullptr);
  return secrets::to_base64url({reinterpret_cast<const char*>(digest.data()), length / 2});
}

Result<std::optional<Instant>> time_claim(const Json& claims, const char* name) {
  const auto at = claims.find(name);
  if (at == claims.end()) return std::optional<Instant>();
  if (!at->is_number()) return refused("a time is no number");
  const double value = at->get<double>();
  constexpr double kLatest = 253'402'300'800.0;  // the year 10000
  if (!std::isfinite(value) || value < 0 || value > kLatest) return refused("a time is no time");
  return std::optional(from_micros(static_cast<std::int64_t>(value * 1e6)));
}

}  // namespace passerelle::auth::jwt
