#include "auth/jwks.hpp"

#include <algorithm>
#include <charconv>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "auth/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace passerelle::auth {
namespace {

using Json = nlohmann::json;
using KeyPointer = std::shared_ptr<EVP_PKEY>;

constexpr std::size_t kMostBytes = 512U << 10U;
constexpr std::size_t kMostKeys = 100;
constexpr std::size_t kMostNumber = 1024;  // bytes: RSA of 8192 bits
constexpr seconds kLeastKept{300};
constexpr seconds kMostKept{24 * 3600};
constexpr seconds kBetweenFetches{60};
constexpr milliseconds kTimeout{5'000};

struct Free {
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

KeyPointer from_parameters(const char* kind, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  return {key, EVP_PKEY_free};
}

std::string number_member(const Json& jwk, const char* name) {
  const std::string encoded = text_member(jwk, name);
  if (encoded.size() > 2 * kMostNumber) return {};
  return jwt::decode_base64url(encoded).value_or("");
}

KeyPointer rsa_key(const Json& jwk) {
  const std::string n = number_member(jwk, "n");
  const std::string e = number_member(jwk, "e");
  if (n.empty() || n.size() > kMostNumber || e.empty() || e.size() > 8) return nullptr;
  const Owned<BIGNUM> modulus(BN_bin2bn(bytes(n), static_cast<int>(n.size()), nullptr));
  const Owned<BIGNUM> exponent(BN_bin2bn(bytes(e), static_cast<int>(e.size()), nullptr));
  // With an exponent of 1 everything is its own signature.
  if (modulus == nullptr || exponent == nullptr || BN_is_odd(exponent.get()) == 0 ||
      BN_is_one(exponent.get()))
    return nullptr;
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return nullptr;
  return from_parameters("RSA", builder.get());
}

KeyPointer ec_key(const Json& jwk) {
  const std::string x = number_member(jwk, "x");
  const std::string y = number_member(jwk, "y");
  if (text_member(jwk, "crv") != "P-256" || x.size() != 32 || y.size() != 32) return nullptr;
  const std::string point = '\x04' + x + y;
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return nullptr;
  return from_parameters("EC", builder.get());
}

KeyPointer okp_key(const Json& jwk) {
  const std::string x = number_member(jwk, "x");
  if (text_member(jwk, "crv") != "Ed25519" || x.size() != 32) return nullptr;
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(x), x.size()),
          EVP_PKEY_free};
}

bool may_verify(const Json& jwk) {
  if (jwk.contains("use") && text_member(jwk, "use") != "sig") return false;
  if (!jwk.contains("key_ops")) return true;
  const Json& uses = jwk["key_ops"];
  return uses.is_array() && std::find(uses.begin(), uses.end(), "verify") != uses.end();
}

// Nothing for a key that is not for us; sets hold such.
std::optional<jwt::Key> read_key(const Json& jwk) {
  if (!jwk.is_object() || !may_verify(jwk)) return std::nullopt;
  const std::string kind = text_member(jwk, "kty");
  jwt::Key key;
  key.id = text_member(jwk, "kid");
  key.algorithm = text_member(jwk, "alg");
  key.key = kind == "RSA"   ? rsa_key(jwk)
            : kind == "EC"  ? ec_key(jwk)
            : kind == "OKP" ? okp_key(jwk)
                            : nullptr;
  for (const char* algorithm : {"RS256", "PS256", "ES256", "EdDSA"})
    if (jwt::fits(key, algorithm)) return key;
  return std::nullopt;
}

// What Cache-Control allows, within our own bounds.
seconds kept_for(const HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (name != "cache-control") continue;
    for (std::string_view part : text::split(value, ',')) {
      part = text::trim(part);
      constexpr std::string_view kMaxAge = "max-age=";
      if (!part.starts_with(kMaxAge)) continue;
      part.remove_prefix(kMaxAge.size());
      std::int64_t age = 0;
      const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), age);
      if (error == std::errc() && end == part.data() + part.size())
        return std::clamp(seconds(age), kLeastKept, kMostKept);
    }
  }
  return kLeastKept;
}

}  // namespace

Result<KeySet> read_key_set(std::string_view json) {
  auto document = parse_json(json, kMostBytes);
  if (!document) return std::move(document).error().within("key set");
  if (!document->is_object() || !document->contains("keys") || !(*document)["keys"].is_array())
    return Error(Errc::invalid, "key set: it has no list of keys");
  const Json& list = (*document)["keys"];
  if (list.size() > kMostKeys) return Error(Errc::invalid, "key set: too many keys");
  KeySet keys;
  for (const Json& jwk : list)
    if (auto key = read_key(jwk)) keys.push_back(std::move(*key));
  return keys;
}

Task<Result<KeySource::Fetched>> KeySource::fetch(std::string url) {
  HttpRequest request;
  request.url = std::move(url);
  request.headers = {{"Accept", "application/json"}};
  request.timeout = kTimeout;
  request.most_body = kMostBytes;
  request.ca_file = ca_file_;
  auto response = co_await http_.fetch(std::move(request));
  if (!response) co_return Error(Errc::unavailable, "key set: " + response.error().message());
  if (response->status != 200)
    co_return Error(Errc::unavailable, "key set: status " + std::to_string(response->status));
  auto keys = read_key_set(response->body);
  if (!keys) co_return Error(Errc::unavailable, keys.error().message());
  Fetched fetched;
  fetched.keys = std::move(*keys);
  fetched.lasts = kept_for(*response);
  co_return fetched;
}

Task<Result<void>> KeySource::renew(std::string url) {
  const auto start = [this, url] { return fetch(url); };
  auto fetched = co_await flight_.join(start);
  if (!fetched) {
    failed_ = clock_.now();
    log::warn("auth", "signing keys could not be fetched",
              {{"url", url}, {"why", fetched.error().message()}});
    co_return std::move(fetched).error();
  }
  url_ = std::move(url);
  keys_ = std::move(fetched->keys);
  good_until_ = clock_.now() + fetched->lasts;
  co_return Result<void>();
}

// By its name; without one, only if there is no choice (OpenID Connect Core, 10.1).
const jwt::Key* KeySource::find(const jwt::Token& token) const {
  const jwt::Key* found = nullptr;
  for (const jwt::Key& key : keys_) {
    if (!jwt::fits(key, token.algorithm)) continue;
    if (!token.key_id.empty() && key.id == token.key_id) return &key;
    if (!token.key_id.empty()) continue;
    if (found != nullptr) return nullptr;
    found = &key;
  }
  return found;
}

Task<Result<nlohmann::json>> KeySource::open(jwt::Token token, std::string url) {
  const auto long_ago = [this](const std::optional<Instant>& at) {
    return !at || clock_.now() - *at >= kBetweenFetches;
  };
  if (keys_.empty() || url_ != url) {
    auto renewed = co_await renew(url);
    if (!renewed) co_return std::move(renewed).error();
  } else if (clock_.now() >= good_until_ && long_ago(failed_)) {
    auto renewed = co_await renew(url);
    (void)renewed;  // the keys known go on; renew() has logged it
  } else if (find(token) == nullptr && long_ago(missed_)) {
    missed_ = clock_.now();
    auto renewed = co_await renew(url);
    if (!renewed) co_return std::move(renewed).error();
  }
  const jwt::Key* key = find(token);
  if (key == nullptr)
    co_return Error(Errc::not_found, "token: none of the signing keys is its own");
  co_return jwt::open(token, *key);
}

Task<Result<std::size_t>> KeySource::fetch_now(std::string url) {
  auto renewed = co_await renew(std::move(url));
  if (!renewed) co_return std::move(renewed).error();
  co_return keys_.size();
}

}  // namespace passerelle::auth
