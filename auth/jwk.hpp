// Keys of our own that others verify us by: made here, kept by whoever makes them, published as
// JSON Web Keys (RFC 7517).
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "auth/jwt.hpp"

namespace passerelle::auth::jwt {

/// A new RSA key of 2048 bits as PEM (PKCS #8). Takes some 100 ms: run it on a WorkerPool.
Result<std::string> make_rsa_key();

/// The public half of an RSA key, for a key set: kty, n, e, alg, use, and kid if it has an id.
Result<nlohmann::json> public_jwk(const Key& key);

}  // namespace passerelle::auth::jwt
