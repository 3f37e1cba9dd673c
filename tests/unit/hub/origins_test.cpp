#include "hub/origins.hpp"

#include <gtest/gtest.h>

#include "spawners/host_name.hpp"

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

TEST(Origins, TellServersNamesFromAllOthers) {
  const Origins origins("https://jupyter.example.fr:8443/hub", "notebooks.example.fr",
                        {"lab.example.fr", "other.example"});
  const std::string name = "alice-0f1e2d3c4b5a6978.lab.example.fr";
  EXPECT_EQ(origins.server_in(name + ":8443"), name);
  EXPECT_EQ(origins.server_in("x.OTHER.example"), "x.OTHER.example");
  EXPECT_EQ(origins.server_in("lab.example.fr"), "");
  EXPECT_EQ(origins.server_in("xlab.example.fr"), "");
  EXPECT_EQ(origins.server_in("x.lab.example.fr.evil.example"), "");
  EXPECT_EQ(origins.server_in("alice.notebooks.example.fr"), "");
  EXPECT_EQ(origins.label_in(name), "");
  EXPECT_EQ(origins.of_server(name), "https://" + name + ":8443");
  EXPECT_EQ(origins.everybody(),
            "https://*.notebooks.example.fr:8443 https://*.lab.example.fr:8443 "
            "https://*.other.example:8443");
  EXPECT_EQ(Origins("http://hub", "", {"lab.example.fr"}).everybody(), "http://*.lab.example.fr");
}

TEST(Origins, AServersMarkIsItsRoute) {
  const std::string route = "/@server/lab.example.fr/0f1e2d3c4b5a6978/";
  for (const char* label : {"alice-0f1e2d3c4b5a6978", "0f1e2d3c4b5a6978", "labs-0F1E2D3C4B5A6978-0",
                            "x-0f1e2d3c4b5a6978-user-2", "aaaaaaaaaaaaaaaa-0f1e2d3c4b5a6978"})
    EXPECT_EQ(Origins::route_prefix(std::string(label) + ".Lab.example.fr"), route) << label;
  for (const char* none :
       {"alice.lab.example.fr", "0f1e2d3c4b5a697.lab.example.fr",
        "x0f1e2d3c4b5a6978.lab.example.fr", "alice.0f1e2d3c4b5a6978.lab.example.fr",
        "0f1e2d3c4b5a6978", "", ".", "-.lab.example.fr", "0f1e2d3c4b5a697g.lab.example.fr"})
    EXPECT_EQ(Origins::route_prefix(none), "") << none;
  EXPECT_EQ(Origins::route_prefix("0f1e2d3c4b5a6978." + std::string(1000, 'a')), "");
}

TEST(Origins, TwoServersAreTwoLabels) {
  EXPECT_NE(spawners::host_label("alice", "lab"), spawners::host_label("alice--lab", ""));
  EXPECT_NE(spawners::host_label("alice", ""), spawners::host_label("Alice", ""));
  for (const char* name :
       {"alice", "x_1", "\xc3\xa9", "0123456789abcdef0123456789abcdef0123456789abcdef"})
    for (const char* server :
         {"", "lab", "a.very.long.name.of.a.server.that.somebody.has.chosen.once"}) {
      const std::string label = spawners::host_label(name, server);
      EXPECT_LE(label.size(), 63U) << label;
      EXPECT_EQ(label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos)
          << label;
      EXPECT_NE(label.front(), '-');
      EXPECT_EQ(Origins::route_prefix(label + ".x"),
                "/@server/x/" + spawners::host_mark(name, server) + "/");
    }
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
