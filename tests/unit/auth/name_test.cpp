#include "auth/name.hpp"

#include <gtest/gtest.h>

namespace passerelle::auth {
namespace {

// CVE-2021-41194: every spelling of a name reaches the same account, so none of them opens a second
// way into it.
TEST(Name, Cve2021_41194_SpellingsAreOneAccount) {
  for (const char* typed :
       {"Alice Martin", "alice martin", "  ALICE   MARTIN ", "Alice\tMartin", "alice\xC2\xA0martin",
        "\xE3\x80\x80"
        "alice martin"})
    EXPECT_EQ(normalise_name(typed)->key, "alice martin") << typed;
  EXPECT_EQ(normalise_name(" Alice   Martin ")->display, "Alice Martin");
}

// CVE-2026-54338: a name of any length is refused before anything is done with it, and cut before
// it is written down.
TEST(Name, Cve2026_54338_LongNamesAreRefusedAndCut) {
  const std::string huge(10'000'000, 'a');
  EXPECT_FALSE(normalise_name(huge));
  EXPECT_EQ(cut_name(huge).size(), kLongestName);
  EXPECT_TRUE(normalise_name(std::string(kLongestName, 'a')));
  EXPECT_FALSE(normalise_name(std::string(kLongestName + 1, 'a')));
}

TEST(Name, IsCutBetweenCharacters) {
  EXPECT_EQ(cut_name(std::string(63, 'a') + "\xC3\xA9").size(), 63U);
  EXPECT_EQ(cut_name(std::string(62, 'a') + "\xC3\xA9").size(), 64U);
  EXPECT_LE(cut_name(std::string(100, '\x80')).size(), kLongestName);
}

TEST(Name, RefusesWhatDoesNotPrint) {
  for (const std::string& typed :
       {std::string(), std::string("   "), std::string("a\0b", 3), std::string("a\nb"),
        std::string("a\x1b[31m"), std::string("a\x7f"), std::string("a\xC2\x85"),
        std::string("\xE2\x80\x8B") + "alice", std::string("alice\xE2\x80\xAE"),
        std::string("\xEF\xBB\xBF") + "alice", std::string("al\xC2\xADice"),
        std::string("a\xF3\xA0\x80\x81"), std::string("\xC3"), std::string("\xED\xA0\x80")})
    EXPECT_FALSE(normalise_name(typed)) << typed;
}

TEST(Name, KeepsEveryAlphabet) {
  EXPECT_EQ(normalise_name("Zo\xC3\xA9")->key, "zo\xC3\xA9");
  EXPECT_TRUE(normalise_name("\xD0\x9E\xD0\xBB\xD1\x8F"));
  EXPECT_TRUE(normalise_name("\xE5\xA4\xAA\xE9\x83\x8E"));
  EXPECT_TRUE(normalise_name("O'Brien-Smith, Jr."));
}

}  // namespace
}  // namespace passerelle::auth
