#include "auth/jupyterhub_hash.hpp"

#include <gtest/gtest.h>

namespace passerelle::auth {
namespace {

// By jupyterhub.utils.hash_token of JupyterHub 3.0.0.
constexpr const char* kToken = "0123456789abcdef0123456789abcdef";
constexpr const char* kSalt = "0011223344556677";
constexpr const char* kDigest =
    "de7bece185f50ab085909f685ae6b295b06375676f3ff7a6faad48717ff2251f987ecdd6f2f6aa82097a652d6c12bf"
    "145a8210dbc8402e2901e013c64cce0bbd";

TEST(JupyterHubHash, is_the_one_that_jupyterhub_writes) {
  EXPECT_EQ(jupyterhub_digest(kSalt, kToken), kDigest);
  const auto ours = from_jupyterhub("0123", std::string("sha512:1:") + kSalt + ":" + kDigest);
  ASSERT_TRUE(ours);
  const auto read = parse_jupyterhub_hash(*ours);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->prefix, "0123");
  EXPECT_EQ(read->salt, kSalt);
  EXPECT_EQ(read->digest, kDigest);
}

TEST(JupyterHubHash, takes_no_other) {
  const std::string digest(kDigest);
  for (const std::string& hashed :
       {"sha512:16384:0011:" + digest, "sha256:1:0011:" + digest, "sha512:1::" + digest,
        "sha512:1:0011:" + digest.substr(1), "sha512:1:0011:" + digest + ":x", std::string()})
    EXPECT_FALSE(from_jupyterhub("0123", hashed)) << hashed;
  EXPECT_FALSE(from_jupyterhub("012", "sha512:1:0011:" + digest));
  EXPECT_FALSE(from_jupyterhub("0:23", "sha512:1:0011:" + digest));
  EXPECT_FALSE(parse_jupyterhub_hash(digest.substr(64)));
}

}  // namespace
}  // namespace passerelle::auth
