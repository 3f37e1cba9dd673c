// Hosts (8), loops (48) and hops (50).
#include "proxy/request_rules.hpp"

#include <gtest/gtest.h>

#include "tests/unit/proxy/head_text.hpp"

namespace passerelle::proxy {
namespace {

int judge(const RequestRules& rules,
          const std::string& host,
          const std::string& lines = {},
          const char* method = "GET") {
  const RequestText text(
      crlf(std::string(method) + " / HTTP/1.1\nHost: " + host + "\n" + lines + "\n"));
  EXPECT_TRUE(text.complete()) << text.scan.reason;
  return rules.check(text.head, {"192.0.2.1", "http", text.head.host(), "80"}).status;
}

TEST(RequestRules, r08_serves_the_hosts_of_its_list) {
  const RequestRules rules({"example.fr", "other.example"}, "");
  for (const char* host :
       {"example.fr", "EXAMPLE.fr", "example.fr:8000", "other.example", "localhost:8000",
        "a.localhost", "127.0.0.1", "10.1.2.3:80", "[::1]:8000", "[2001:db8::1]"})
    EXPECT_EQ(judge(rules, host), 0) << host;
  for (const char* host :
       {"evil.example", "example.fr.evil.example", "sub.example.fr", "example.fr.",
        "localhost.evil", "notlocalhost", "127.0.0.1.evil.example"})
    EXPECT_EQ(judge(rules, host), 421) << host;
}

TEST(RequestRules, r08_serves_all_below_a_star) {
  const RequestRules rules({"example.fr", "*.notebooks.example.fr"}, "");
  for (const char* host :
       {"example.fr", "alice.notebooks.example.fr", "a.b.NOTEBOOKS.example.fr:80"})
    EXPECT_EQ(judge(rules, host), 0) << host;
  for (const char* host : {"notebooks.example.fr", "xnotebooks.example.fr", "a.example.fr",
                           "a.notebooks.example.fr.evil"})
    EXPECT_EQ(judge(rules, host), 421) << host;
}

TEST(RequestRules, r08_serves_every_host_without_a_list) {
  EXPECT_EQ(judge(RequestRules(), "evil.example"), 0);
  EXPECT_EQ(judge(RequestRules({"example.fr", "*"}, ""), "evil.example"), 0);
}

TEST(RequestRules, r08_goes_by_the_host_a_trusted_proxy_tells) {
  const RequestRules rules({"example.fr"}, "");
  const RequestText text(crlf("GET / HTTP/1.1\nHost: evil.example\n\n"));
  EXPECT_EQ(rules.check(text.head, {"192.0.2.1", "https", "example.fr", "443"}).status, 0);
  const RequestText old(crlf("GET / HTTP/1.0\n\n"));
  EXPECT_EQ(rules.check(old.head, {"192.0.2.1", "http", "", "80"}).status, 0);
}

TEST(RequestRules, r48_knows_a_request_that_was_here_before) {
  const RequestRules rules({}, "passerelle-7f3a");
  EXPECT_EQ(rules.via_line(), "Via: 1.1 passerelle-7f3a\r\n");
  for (const char* via :
       {"Via: 1.1 passerelle-7f3a\n", "Via: 1.0 fred, HTTP/1.1 Passerelle-7F3A (note), 1.1 b\n",
        "Via: 1.1 a\nvia: 1.1\tpasserelle-7f3a\n"})
    EXPECT_EQ(judge(rules, "h", via), 508) << via;
  for (const char* via : {"Via: 1.1 passerelle-7f3b\n", "Via: passerelle-7f3a\n",
                          "Via: 1.1 passerelle-7f3a2\n", "Via:\n", "X-Via: 1.1 passerelle-7f3a\n"})
    EXPECT_EQ(judge(rules, "h", via), 0) << via;
  EXPECT_EQ(judge(RequestRules(), "h", "Via: 1.1 passerelle-7f3a\n"), 0);
}

TEST(RequestRules, r50_ends_options_that_may_go_no_further) {
  const auto ends = [](const std::string& lines, const char* method) {
    const RequestText text(crlf(std::string(method) + " / HTTP/1.1\nHost: h\n" + lines + "\n"));
    return ends_here(text.head);
  };
  EXPECT_TRUE(ends("Max-Forwards: 0\n", "OPTIONS"));
  EXPECT_TRUE(ends("Max-Forwards: 000\n", "OPTIONS"));
  EXPECT_FALSE(ends("Max-Forwards: 1\n", "OPTIONS"));
  EXPECT_FALSE(ends("Max-Forwards: 0\n", "GET"));
  EXPECT_FALSE(ends("", "OPTIONS"));
  const RequestRules rules;
  for (const char* value : {"-1", "+1", "", "1x", "1234567890", "0x1"})
    EXPECT_EQ(judge(rules, "h", std::string("Max-Forwards: ") + value + "\n", "OPTIONS"), 400)
        << value;
  EXPECT_EQ(judge(rules, "h", "Max-Forwards: junk\n"), 0);
}

}  // namespace
}  // namespace passerelle::proxy
