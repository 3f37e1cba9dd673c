// PROXY headers on the wire: from whom one must come, who must not send one, and whose connection
// it then is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/tls_peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using std::string_literals::operator""s;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kVersion1 = "PROXY TCP4 192.0.2.7 192.0.2.1 49152 443\r\n";
const std::string kVersion2 =
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x01\xc0\0\x01\xbb"s;
const std::string kLocal = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s;

ProxySettings behind_balancer() {
  ProxySettings settings = Wire::quick_settings();
  settings.proxy_protocol = {"127.0.0.0/8"};
  settings.limits.header_timeout = seconds(1);
  return settings;
}

TEST(ProxyHeader, TheClientIsWhomItNames) {
  Upstream upstream(echo_heads());
  Wire wire(behind_balancer());
  wire.route(upstream);
  EXPECT_THAT(wire.ask(kVersion1 + get("/hub/")), HasSubstr(" peer=192.0.2.7 "));
  EXPECT_THAT(wire.ask(kVersion2 + get("/hub/")), HasSubstr(" peer=192.0.2.7 "));
  EXPECT_THAT(wire.ask(kLocal + get("/hub/")), HasSubstr(" peer=127.0.0.1 "));
  EXPECT_THAT(wire.ask(kVersion1 + get("/user/a/", "X-Forwarded-For: 198.51.100.1\r\n")),
              HasSubstr("X-Forwarded-For: 192.0.2.7\r\n"));
}

TEST(ProxyHeader, MayComeByteByByteAndRequestsFollow) {
  Wire wire(behind_balancer());
  for (const std::string& header : {kVersion1, kVersion2}) {
    Peer client = wire.client();
    const std::string whole = header + get("/hub/1");
    for (const char& byte : std::string_view(whole).substr(0, whole.size() - 1)) {
      client.send(std::string_view(&byte, 1));
      client.read_some(milliseconds(0));
    }
    client.send(whole.substr(whole.size() - 1));  // the answer may come before another look
    EXPECT_THAT(client.read_until("body="), HasSubstr(" peer=192.0.2.7 "));
    client.send(get("/hub/2"));
    EXPECT_THAT(client.read_until("body="), HasSubstr("GET /hub/2?"));
  }
}

TEST(ProxyHeader, WithoutItNobodyIsServed) {
  Wire wire(behind_balancer());
  Peer client = wire.client();
  client.send(get("/hub/"));
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().refused_heads == 1; }));
  EXPECT_EQ(wire.proxy->counters().requests, 0U);
}

TEST(ProxyHeader, ItMustComeInTime) {
  Wire wire(behind_balancer());
  Peer client = wire.client();
  client.send("PROXY TCP4 ");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
}

TEST(ProxyHeader, AHealthCheckThatSaysNothingIsNoFault) {
  Wire wire(behind_balancer());
  wire.client().close();
  EXPECT_TRUE(eventually([&] {
    return wire.proxy->counters().accepted == 1 && wire.proxy->counters().connections == 0;
  }));
  EXPECT_EQ(wire.proxy->counters().refused_heads, 0U);
}

TEST(ProxyHeader, FromAnybodyElseItIs400) {
  ProxySettings settings = Wire::quick_settings();
  settings.proxy_protocol = {"10.0.0.0/8", "fd00::/8"};
  Wire wire(settings);
  EXPECT_THAT(wire.ask(get("/hub/")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(wire.ask(kVersion1 + get("/hub/")), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(wire.ask(kVersion2 + get("/hub/")), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(wire.ask(kLocal + get("/hub/")), StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(wire.proxy->counters().requests, 1U);
}

TEST(ProxyHeader, ASecondOneIs400) {
  Wire wire(behind_balancer());
  EXPECT_THAT(wire.ask(kVersion1 + kVersion1 + get("/hub/")), StartsWith("HTTP/1.1 400 "));
}

// The header is read without a byte of what follows it, which is the handshake's.
TEST(ProxyHeader, ComesBeforeTls) {
  Folder folder;
  const auto server = TlsServer::load({.certificates = {make_certificate(folder, "first", {"h"})}});
  ASSERT_TRUE(server);
  ProxySettings settings = behind_balancer();
  settings.endpoints.front().tls = *server;
  Wire wire(settings);
  for (const std::string& header : {kVersion1, kVersion2}) {
    TlsPeer client(wire.proxy->port(), {.before = header});
    ASSERT_TRUE(client.good());
    client.send(get("/hub/"));
    EXPECT_THAT(client.read_until("body="), HasSubstr(" peer=192.0.2.7 "));
  }
  EXPECT_FALSE(TlsPeer(wire.proxy->port()).good()) << "without the header";
  EXPECT_EQ(wire.proxy->counters().tls_handshakes, 2U);
}

TEST(ProxyHeader, InsideTlsItIs400) {
  Folder folder;
  const auto server = TlsServer::load({.certificates = {make_certificate(folder, "first", {"h"})}});
  ASSERT_TRUE(server);
  ProxySettings settings = Wire::quick_settings();
  settings.endpoints.front().tls = *server;
  Wire wire(settings);
  TlsPeer client(wire.proxy->port());
  ASSERT_TRUE(client.good());
  client.send(kVersion1 + get("/hub/"));
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 400 "));
}

TEST(ProxyHeader, AWrongNetworkIsAnErrorOfTheStart) {
  TestGate gate;
  TestHub hub;
  ProxySettings settings = Wire::quick_settings();
  settings.proxy_protocol = {"10.0.0.0/33"};
  EXPECT_FALSE(Proxy(settings, gate, hub).start());
}

TEST(AddressLimit, CountsTheClientAndNotTheBalancer) {
  ProxySettings settings = behind_balancer();
  settings.limits.max_connections_per_address = 2;
  Wire wire(settings);
  const auto from = [&](const std::string& address) {
    Peer client = wire.client();
    client.send("PROXY TCP4 " + address + " 192.0.2.1 1 443\r\n" + get("/hub/"));
    return client;
  };
  Peer first = from("192.0.2.7");
  Peer second = from("192.0.2.7");
  EXPECT_THAT(first.read_until("body="), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(second.read_until("body="), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(from("192.0.2.7").read_all(), StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(from("192.0.2.8").read_until("body="), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(wire.proxy->counters().crowded_addresses, 1U);
  first.close();
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 1; }));
  EXPECT_THAT(from("192.0.2.7").read_until("body="), StartsWith("HTTP/1.1 200 "));
}

/// That many clients who are all being served, on all threads: the kernel deals connections out by
/// their ports.
std::vector<Peer> serve(Wire& wire, int count) {
  std::vector<Peer> clients;
  for (int at = 0; at < count; ++at) {
    clients.push_back(wire.client());
    clients.back().send(get("/hub/"));
    EXPECT_THAT(clients.back().read_until("body="), StartsWith("HTTP/1.1 200 "));
  }
  return clients;
}

TEST(AddressLimit, IsOneForAllThreads) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.threads = 4;
  settings.limits.max_connections_per_address = 24;
  Wire wire(settings);
  std::vector<Peer> clients = serve(wire, 24);
  for (int at = 0; at < 8; ++at) EXPECT_THAT(wire.client().read_all(), StartsWith("HTTP/1.1 429 "));
  clients.clear();
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  serve(wire, 24);
}

TEST(ConnectionLimit, IsOneForAllThreads) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.threads = 4;
  settings.limits.max_connections = 24;
  Wire wire(settings);
  std::vector<Peer> clients = serve(wire, 24);
  for (int at = 0; at < 8; ++at) EXPECT_THAT(wire.client().read_all(), StartsWith("HTTP/1.1 503 "));
  clients.clear();
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  serve(wire, 24);
}

TEST(AddressLimit, ATrustedProxySpeaksForMany) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.max_connections_per_address = 1;
  {
    Wire wire(settings);
    Peer first = wire.client();
    ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 1; }));
    const std::string refused = wire.client().read_all();
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 429 "));
    EXPECT_THAT(refused, HasSubstr("\r\nRetry-After: 5\r\n"));
  }
  settings.trusted_proxies = {"127.0.0.0/8"};
  Wire wire(settings);
  Peer first = wire.client();
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 1; }));
  EXPECT_THAT(wire.ask(get("/hub/")), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace passerelle::proxy::wire
