// The keys of one launch, tried with OpenSSL itself: each side takes the other's certificate and
// nobody else's.
#include "spawners/batch/credentials.hpp"

#include <memory>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace passerelle::spawners::batch {
namespace {

using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

Certificate read(const std::string& pem) {
  BIO* from = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  Certificate certificate(PEM_read_bio_X509(from, nullptr, nullptr, nullptr), X509_free);
  BIO_free(from);
  return certificate;
}

bool trusted(const std::string& authority, const std::string& certificate, int purpose) {
  const Certificate root = read(authority);
  const Certificate leaf = read(certificate);
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, root.get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf.get(), nullptr);
  X509_STORE_CTX_set_purpose(context, purpose);
  const bool good = X509_verify_cert(context) == 1;
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return good;
}

TEST(Credentials, HoldForTheirOwnLaunchOnly) {
  const auto mine = make_credentials("0123456789abcdef.job.invalid", std::chrono::hours(1));
  const auto theirs = make_credentials("fedcba9876543210.job.invalid", std::chrono::hours(1));
  ASSERT_TRUE(mine && theirs);
  EXPECT_TRUE(trusted(mine->authority, mine->server_certificate, X509_PURPOSE_SSL_SERVER));
  EXPECT_TRUE(trusted(mine->authority, mine->client, X509_PURPOSE_SSL_CLIENT));
  EXPECT_FALSE(trusted(mine->authority, theirs->server_certificate, X509_PURPOSE_SSL_SERVER));
  EXPECT_FALSE(trusted(mine->authority, theirs->client, X509_PURPOSE_SSL_CLIENT));
  EXPECT_FALSE(trusted(mine->authority, mine->server_certificate, X509_PURPOSE_SSL_CLIENT))
      << "the server may not act as the gateway";
  const Certificate server = read(mine->server_certificate);
  EXPECT_EQ(X509_check_host(server.get(), "0123456789abcdef.job.invalid", 0, 0, nullptr), 1);
  EXPECT_NE(X509_check_host(server.get(), "fedcba9876543210.job.invalid", 0, 0, nullptr), 1);
}

}  // namespace
}  // namespace passerelle::spawners::batch
