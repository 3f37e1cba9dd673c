#include "hub/origins.hpp"

#include <gtest/gtest.h>

namespace passerelle::hub {
namespace {

TEST(Origins, TellsPeoplesNamesFromTheHubs) {
  const Origins origins("https://jupyter.example.fr:8443/hub", "notebooks.example.fr");
  EXPECT_TRUE(origins.on());
  EXPECT_EQ(origins.label_in("alice.notebooks.example.fr:8443"), "alice");
  EXPECT_EQ(origins.label_in("ALICE.Notebooks.example.fr"), "ALICE");
  EXPECT_EQ(origins.label_in("deep.alice.notebooks.example.fr"), "deep.alice");
  for (const char* hub : {"jupyter.example.fr", "jupyter.example.fr:8443", "notebooks.example.fr",
                          "alicenotebooks.example.fr", "notebooks.example.fr.evil.example",
                          ".notebooks.example.fr", "", ":80", "127.0.0.1:8443", "[::1]:8443"})
    EXPECT_EQ(origins.label_in(hub), "") << hub;
}

TEST(Origins, HaveTheSchemeAndThePortOfThePublicUrl) {
  const Origins origins("https://jupyter.example.fr:8443/hub", "notebooks.example.fr");
  EXPECT_EQ(origins.hub(), "https://jupyter.example.fr:8443");
  EXPECT_EQ(origins.of("alice"), "https://alice.notebooks.example.fr:8443");
  EXPECT_EQ(origins.everybody(), "https://*.notebooks.example.fr:8443");
  EXPECT_EQ(Origins("http://hub.localhost", "hub.localhost").of("a"), "http://a.hub.localhost");
  EXPECT_EQ(Origins("http://[::1]/", "hub.localhost").of("a"), "http://a.hub.localhost");
}

TEST(Origins, AreOffWithoutAName) {
  const Origins origins("https://jupyter.example.fr", "");
  EXPECT_FALSE(origins.on());
  EXPECT_EQ(origins.label_in("alice.jupyter.example.fr"), "");
  EXPECT_EQ(origins.everybody(), "");
}

TEST(Origins, TwoPeopleAreTwoLabels) {
  EXPECT_EQ(origin_label("alice"), "alice");
  EXPECT_NE(origin_label("alice.b"), origin_label("alice-b"));
  EXPECT_NE(origin_label("alice_b"), origin_label("alice.b"));
  for (const char* name : {"1bob", "a.b", "a--b", "xn--a", "a-",
                           "user_with_a_name_that_is_far_too_long_for_a_label_of_dns_x"}) {
    const std::string label = origin_label(name);
    EXPECT_LE(label.size(), 63U) << name;
    EXPECT_EQ(label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos)
        << label;
    EXPECT_NE(label.front(), '-');
    EXPECT_NE(label.back(), '-');
  }
}

}  // namespace
}  // namespace passerelle::hub
