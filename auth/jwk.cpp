#include "auth/jwk.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/secrets.hpp"

namespace passerelle::auth::jwt {
namespace {

constexpr unsigned int kBits = 2048;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};

// Big-endian, without leading zeros (RFC 7518, 6.3.1); empty if the key has no such number.
std::string number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* read = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &read) != 1) return {};
  const std::unique_ptr<BIGNUM, Free> number(read);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

}  // namespace

Result<std::string> make_rsa_key() {
  const std::unique_ptr<EVP_PKEY, Free> key(EVP_RSA_gen(kBits));
  const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  if (key == nullptr || bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1)
    return Error(Errc::internal, "OpenSSL could not make a key");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<nlohmann::json> public_jwk(const Key& key) {
  const std::string n = number_of(key.key.get(), OSSL_PKEY_PARAM_RSA_N);
  const std::string e = number_of(key.key.get(), OSSL_PKEY_PARAM_RSA_E);
  if (n.empty() || e.empty()) return Error(Errc::invalid, "no RSA key");
  nlohmann::json jwk = {{"kty", "RSA"},
                        {"n", secrets::to_base64url(n)},
                        {"e", secrets::to_base64url(e)},
                        {"alg", "RS256"},
                        {"use", "sig"}};
  if (!key.id.empty()) jwk["kid"] = key.id;
  return jwk;
}

}  // namespace passerelle::auth::jwt
