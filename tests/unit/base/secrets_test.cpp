#include "base/secrets.hpp"

#include <set>

#include <gtest/gtest.h>

namespace passerelle::secrets {
namespace {

TEST(Tokens, AreLongAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string token = random_token();
    EXPECT_EQ(token.size(), 43U);
    EXPECT_EQ(
        token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        std::string::npos);
    EXPECT_TRUE(seen.insert(token).second);
  }
}

TEST(Sealer, OpensWithAnyKeyAndForItsPurposeOnly) {
  const std::string first(32, 'a');
  const std::string second(32, 'b');
  const Sealer old_sealer({first});
  const std::string sealed = old_sealer.seal("hunter2", "server-secret");
  const Sealer rotated({second, first});
  EXPECT_EQ(rotated.open(sealed, "server-secret").value(), "hunter2");
  EXPECT_FALSE(rotated.open(sealed, "refresh-token"));
  EXPECT_FALSE(Sealer({second}).open(sealed, "server-secret"));
  std::string damaged = sealed;
  damaged[14] = static_cast<char>(damaged[14] ^ 1);
  EXPECT_FALSE(rotated.open(damaged, "server-secret"));
  EXPECT_FALSE(rotated.open("short", "server-secret"));
}

TEST(Digest, MatchesFips180) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(SlowHash, VerifiesOnlyTheRightPassword) {
  const std::string hash = slow_hash("12345678");
  EXPECT_TRUE(slow_verify(hash, "12345678"));
  EXPECT_FALSE(slow_verify(hash, "12345679"));
  EXPECT_FALSE(slow_verify("nonsense", "12345678"));
}

}  // namespace
}  // namespace passerelle::secrets
