#include "store/username.hpp"

#include <gtest/gtest.h>

namespace passerelle::store {
namespace {

TEST(Username, IsWhatAReaderWouldType) {
  EXPECT_EQ(clean_username("alice"), "alice");
  EXPECT_EQ(clean_username("Alice.B_c-d9"), "alice.b_c-d9");
  EXPECT_EQ(clean_username("Élodie Müller"), "elodie-muller");
  EXPECT_EQ(clean_username("Ægir Œuvre Þór ß"), "aegir-oeuvre-thor-ss");
  EXPECT_EQ(clean_username("ŹŻŽſ × Ł"), "zzzs-l");
  EXPECT_EQ(clean_username("alice@example.org"), "alice-example.org");
  EXPECT_EQ(clean_username("a  \t b"), "a-b");
}

TEST(Username, IsSafeInPathsAndUrls) {
  EXPECT_EQ(clean_username("../../etc/passwd"), "etc-passwd");
  EXPECT_EQ(clean_username("-rf"), "rf");
  EXPECT_EQ(clean_username(".."), "user");
  EXPECT_EQ(clean_username(""), "user");
  EXPECT_EQ(clean_username("中文"), "user");
  EXPECT_EQ(clean_username("\xff\xc3"), "user");
  EXPECT_EQ(clean_username(std::string("a\0b", 3)), "a-b");
  EXPECT_EQ(clean_username("a%2e%2e/"), "a-2e-2e");
}

TEST(Username, IsAtMostSixtyFourBytes) {
  EXPECT_EQ(clean_username(std::string(100, 'x')), std::string(64, 'x'));
  EXPECT_EQ(clean_username(std::string(63, 'x') + "æ"), std::string(63, 'x') + "a");
  EXPECT_EQ(clean_username(std::string(63, 'x') + "--y"), std::string(63, 'x'));
  EXPECT_EQ(numbered_username(std::string(64, 'x'), 12), std::string(61, 'x') + "-12");
  EXPECT_EQ(numbered_username(std::string(60, 'x') + "-yyy", 100), std::string(60, 'x') + "-100");
}

TEST(Username, EveryByteCleansToAFixedPoint) {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string raw = {static_cast<char>(a), static_cast<char>(b), 'k',
                               static_cast<char>(a)};
      const std::string once = clean_username(raw);
      ASSERT_EQ(clean_username(once), once);
      ASSERT_EQ(once.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-"),
                std::string::npos);
      ASSERT_TRUE(std::isalnum(static_cast<unsigned char>(once.front())) != 0) << once;
    }
}

TEST(Username, IsNumberedFromTheSecondOn) {
  EXPECT_EQ(numbered_username("alice", 1), "alice");
  EXPECT_EQ(numbered_username("alice", 2), "alice-2");
}

}  // namespace
}  // namespace passerelle::store
