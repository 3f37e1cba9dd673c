#include "spawners/batch/credentials.hpp"

#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace passerelle::spawners::batch {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;

constexpr long kSkew = 600;  // clocks of nodes differ

struct Signer {
  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;
};

bool extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool name_it(X509* certificate, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes,
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

bool number_it(X509* certificate) {
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1U) == 1;
}

/// Null if anything fails: there is no memory then.
Certificate issue(const std::string& name,
                  EVP_PKEY* key,
                  const Signer& by,
                  std::chrono::seconds valid,
                  const std::string& constraints,
                  const std::string& usage,
                  const std::string& san) {
  Certificate made(X509_new());
  if (!made) return nullptr;
  X509* const self = made.get();
  X509* const issuer = by.certificate == nullptr ? self : by.certificate;
  bool good = X509_set_version(self, 2) == 1 && number_it(self) && name_it(self, name);
  good = good && X509_gmtime_adj(X509_getm_notBefore(self), -kSkew) != nullptr;
  good = good &&
         X509_gmtime_adj(X509_getm_notAfter(self), static_cast<long>(valid.count())) != nullptr;
  good = good && X509_set_pubkey(self, key) == 1;
  good = good && X509_set_issuer_name(self, X509_get_subject_name(issuer)) == 1;
  good = good && extend(self, issuer, NID_basic_constraints, constraints);
  good = good && extend(self, issuer, NID_subject_key_identifier, "hash");
  good = good && extend(self, issuer, NID_authority_key_identifier, "keyid:always");
  if (!usage.empty()) good = good && extend(self, issuer, NID_ext_key_usage, usage);
  if (!san.empty()) good = good && extend(self, issuer, NID_subject_alt_name, san);
  good = good && X509_sign(self, by.key, EVP_sha256()) > 0;
  return good ? std::move(made) : nullptr;
}

std::string text_of(BIO* from) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(from, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  return out && PEM_write_bio_X509(out.get(), certificate) == 1 ? text_of(out.get())
                                                                : std::string();
}

std::string pem_of(EVP_PKEY* key) {
  const Bio out(BIO_new(BIO_s_mem()));
  const bool written = out && PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0,
                                                            nullptr, nullptr) == 1;
  return written ? text_of(out.get()) : std::string();
}

}  // namespace

Result<Credentials> make_credentials(const std::string& name, std::chrono::seconds valid) {
  const Error failed(Errc::internal, Cause::internal,
                     "no certificate could be made for the server");
  const Key authority_key(EVP_EC_gen("P-256"));
  const Key server_key(EVP_EC_gen("P-256"));
  const Key client_key(EVP_EC_gen("P-256"));
  if (!authority_key || !server_key || !client_key) return failed;
  const Signer itself{nullptr, authority_key.get()};
  const Certificate authority = issue("passerelle " + name, authority_key.get(), itself, valid,
                                      "critical,CA:TRUE,pathlen:0", "", "");
  if (!authority) return failed;
  const Signer signer{authority.get(), authority_key.get()};
  const Certificate server = issue(name, server_key.get(), signer, valid, "critical,CA:FALSE",
                                   "serverAuth", "DNS:" + name);
  const Certificate client =
      issue("passerelle", client_key.get(), signer, valid, "critical,CA:FALSE", "clientAuth", "");
  if (!server || !client) return failed;
  Credentials made{pem_of(authority.get()), pem_of(server.get()), pem_of(server_key.get()),
                   pem_of(client.get()) + pem_of(client_key.get())};
  if (made.authority.empty() || made.server_key.empty()) return failed;
  return made;
}

}  // namespace passerelle::spawners::batch
