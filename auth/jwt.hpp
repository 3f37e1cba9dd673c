// JSON Web Tokens as far as we take and give them: compact JWS (RFC 7515) with the algorithms of
// RFC 7518 and RFC 8037 that use a public key. Nothing here knows what the claims mean, except
// times.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>
#include <openssl/types.h>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace passerelle::auth::jwt {

/// A longer token is refused before it is looked at.
inline constexpr std::size_t kLongest = 64U << 10U;

/// "RS256", "PS256", "ES256", "EdDSA" (Ed25519). Nothing symmetric, never "none".
bool is_known_algorithm(std::string_view name) noexcept;

/// Strict base64url: no padding, no other character, no spare bits (two spellings are two tokens).
std::optional<std::string> decode_base64url(std::string_view encoded);

/// A token taken apart. Nothing is verified yet.
struct Token {
  std::string algorithm;
  std::string key_id;  ///< Empty: none.
  std::string type;    ///< "JWT", "logout+jwt"; empty: none.
  std::string claims_text;
  std::string signed_part;
  std::string signature;
};

/// Reads the header, and nothing else until its algorithm is among `allowed`. Keys that the token
/// brings along (jwk, jku, x5c, x5u) are not looked at; `crit` is refused, as we know no
/// extension. Errc::invalid with what is wrong, never with a part of the token.
Result<Token> take_apart(std::string_view compact, std::span<const std::string> allowed);

/// A public or private key, with what it may be used for.
struct Key {
  std::string id;         ///< Empty: none.
  std::string algorithm;  ///< The one it is bound to; empty: any that fits its kind.
  std::shared_ptr<EVP_PKEY> key;
};
/// Whether the key's kind and binding fit that algorithm: an EC key verifies no RS256.
bool fits(const Key& key, std::string_view algorithm) noexcept;

/// The claims, if the signature is the key's and they are an object. Errc::invalid otherwise.
Result<nlohmann::json> open(const Token& token, const Key& key);

/// A private key in PEM: RSA of 2048 bits or more, EC P-256, Ed25519.
Result<Key> read_private_key(const std::string& pem);
/// The algorithm that sign() uses with that key.
std::string_view algorithm_of(const Key& key) noexcept;
/// A token of ours. `header` gets "alg" and, if the key has an id, "kid".
Result<std::string> sign(nlohmann::json header, const nlohmann::json& claims, const Key& key);

/// The hash that OIDC's at_hash is made with: the left half of the algorithm's own digest.
std::string half_hash(std::string_view algorithm, std::string_view value);

/// A NumericDate (RFC 7519, 2); may have a fraction. None: absent. Errc::invalid: no number, or
/// none that is a time.
Result<std::optional<Instant>> time_claim(const nlohmann::json& claims, const char* name);

}  // namespace passerelle::auth::jwt
