// Whose word counts about the client's address, scheme and host.
#include "proxy/trusted.hpp"

#include <gtest/gtest.h>

#include "tests/unit/proxy/head_text.hpp"

namespace passerelle::proxy {
namespace {

TrustedProxies trusting(const std::vector<std::string>& cidrs) {
  auto parsed = TrustedProxies::parse(cidrs);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return std::move(parsed).value();
}

TEST(TrustedProxies, contains_the_addresses_of_its_networks) {
  const TrustedProxies trusted =
      trusting({"10.0.0.0/8", "192.168.1.4/30", "::1", "fd00::/9", "203.0.113.9"});
  for (const char* const in :
       {"10.1.2.3", "::ffff:10.1.2.3", "192.168.1.7", "::1", "fd7f::1", "203.0.113.9"}) {
    EXPECT_TRUE(trusted.contains(in)) << in;
  }
  for (const char* const out :
       {"11.0.0.0", "192.168.1.8", "192.168.1.3", "::2", "fd80::1", "203.0.113.8", "", "10.1.2",
        "10.1.2.3:80", "[::1]", "010.1.2.3x"}) {
    EXPECT_FALSE(trusted.contains(out)) << out;
  }
  EXPECT_TRUE(trusting({"0.0.0.0/0"}).contains("1.2.3.4"));
  EXPECT_FALSE(trusting({"0.0.0.0/0"}).contains("2001:db8::1"));
  EXPECT_FALSE(TrustedProxies().contains("127.0.0.1"));
}

TEST(TrustedProxies, refuses_what_is_no_network_and_names_it) {
  for (const char* const entry :
       {"", "10", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.1/8", "::/129", "example.org",
        "10.0.0.0/-1", "fe80::1%eth0", "[::1]"}) {
    const auto parsed = TrustedProxies::parse({entry});
    ASSERT_FALSE(parsed) << entry;
    EXPECT_EQ(parsed.error().code(), Errc::invalid);
    EXPECT_NE(parsed.error().message().find(entry), std::string::npos);
  }
}

struct Row {
  const char* name;
  const char* peer;
  const char* lines;
  const char* address;
  const char* scheme;
  const char* host;
  const char* port;
};

TEST(ResolveClient, r49_believes_trusted_peers_only) {
  const TrustedProxies trusted = trusting({"10.0.0.0/8"});
  const Row rows[] = {
      {"nothing said", "10.0.0.1", "", "10.0.0.1", "http", "h:8000", "8000"},
      {"untrusted peer", "198.51.100.1",
       "X-Forwarded-For: 1.1.1.1\nX-Forwarded-Proto: https\nX-Forwarded-Host: x\nX-Forwarded-Port: "
       "1\n",
       "198.51.100.1", "http", "h:8000", "8000"},
      {"trusted peer", "10.0.0.1",
       "X-Forwarded-For: 1.1.1.1\nX-Forwarded-Proto: https\nX-Forwarded-Host: x\n", "1.1.1.1",
       "https", "x", "443"},
      {"its port", "10.0.0.1", "X-Forwarded-Host: x:81\nX-Forwarded-Port: 82\n", "10.0.0.1", "http",
       "x:81", "82"},
      {"mapped peer", "::ffff:10.0.0.1", "X-Forwarded-For: 1.1.1.1\n", "1.1.1.1", "http", "h:8000",
       "8000"},
      {"the right-most untrusted hop", "10.0.0.1", "X-Forwarded-For: 6.6.6.6, 1.1.1.1, 10.0.0.2\n",
       "1.1.1.1", "http", "h:8000", "8000"},
      {"over several lines", "10.0.0.1",
       "X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 1.1.1.1,10.0.0.2\n", "1.1.1.1", "http", "h:8000",
       "8000"},
      {"all trusted", "10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\n", "10.0.0.3", "http",
       "h:8000", "8000"},
      {"nonsense stops the walk", "10.0.0.1", "X-Forwarded-For: 1.1.1.1, evil, 10.0.0.2\n",
       "10.0.0.2", "http", "h:8000", "8000"},
      {"IPv6", "10.0.0.1", "X-Forwarded-For: 2001:db8::1\n", "2001:db8::1", "http", "h:8000",
       "8000"},
      {"the right-most scheme", "10.0.0.1", "X-Forwarded-Proto: http, https\n", "10.0.0.1", "https",
       "h:8000", "8000"},
      {"a scheme of its own", "10.0.0.1", "X-Forwarded-Proto: gopher\n", "10.0.0.1", "http",
       "h:8000", "8000"},
      {"an impossible host", "10.0.0.1", "X-Forwarded-Host: a/b\nX-Forwarded-Port: 0\n", "10.0.0.1",
       "http", "h:8000", "8000"},
      {"unix socket", "", "X-Forwarded-For: 1.1.1.1\n", "1.1.1.1", "http", "h:8000", "8000"},
  };
  for (const Row& row : rows) {
    const RequestText text(crlf("GET / HTTP/1.1\nHost: h:8000\n" + std::string(row.lines) + "\n"));
    ASSERT_TRUE(text.complete()) << row.name;
    const Client client = resolve_client(text.head, row.peer, "http", trusted);
    EXPECT_EQ(client.address, row.address) << row.name;
    EXPECT_EQ(client.scheme, row.scheme) << row.name;
    EXPECT_EQ(client.host, row.host) << row.name;
    EXPECT_EQ(client.port, row.port) << row.name;
  }
}

TEST(ResolveClient, knows_the_port_of_an_address_in_brackets) {
  const RequestText with(crlf("GET / HTTP/1.1\nHost: [::1]:81\n\n"));
  EXPECT_EQ(resolve_client(with.head, "::1", "http", {}).port, "81");
  const RequestText without(crlf("GET / HTTP/1.1\nHost: [::1]\n\n"));
  EXPECT_EQ(resolve_client(without.head, "::1", "https", {}).port, "443");
}

}  // namespace
}  // namespace passerelle::proxy
