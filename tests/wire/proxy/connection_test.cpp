// A client's connection: what is refused, keep-alive, time limits, many slow clients, the graceful
// stop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Steady = std::chrono::steady_clock;

std::string status_of(Wire& wire, const std::string& request) {
  return wire.ask(request).substr(9, 3);
}

TEST(Connection, MalformedHeadsAreRefusedAndTheConnectionEnds) {
  Wire wire;
  EXPECT_EQ(status_of(wire, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), "400");            // rule 1
  EXPECT_EQ(status_of(wire, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"), "505");             // rule 4
  EXPECT_EQ(status_of(wire, "GET / HTTP/1.1\r\n\r\n"), "400");                        // rule 5
  EXPECT_EQ(status_of(wire, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), "400");  // rule 6
  EXPECT_EQ(status_of(wire, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"), "405");       // rule 9
  EXPECT_EQ(status_of(wire, "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n"), "405");           // rule 10
  EXPECT_EQ(status_of(wire, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), "200");         // rule 11
  EXPECT_EQ(status_of(wire, "GET /" + std::string(17'000, 'a') + " HTTP/1.1\r\n\r\n"),
            "414");                                                                      // rule 17
  EXPECT_EQ(status_of(wire, "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n"), "400");  // rule 27
  EXPECT_EQ(status_of(wire, get("/", "A: " + std::string(40'000, 'b') + "\r\n")),
            "431");  // rule 30
  EXPECT_EQ(status_of(wire, get("/", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")),
            "400");  // rule 34
  EXPECT_EQ(wire.proxy->counters().refused_heads, 10U);
}

TEST(Connection, Rule69OnlyVersion13OfWebSocketIsUpgraded) {
  Wire wire;
  const std::string answer =
      wire.ask(get("/",
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 426 "));
  EXPECT_THAT(answer, HasSubstr("Sec-WebSocket-Version: 13\r\n"));
}

TEST(Connection, AHeadMayComeByteByByte) {
  Wire wire;
  Peer client = wire.client();
  for (const char byte : get("/hub/slow")) client.send(std::string_view(&byte, 1));
  EXPECT_THAT(client.read_until("body="), HasSubstr("GET /hub/slow?"));
}

TEST(Connection, TheTimeForAHeadIsCountedFromItsFirstByte) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.header_timeout = seconds(1);
  Wire wire(settings);
  Peer client = wire.client();
  const auto began = Steady::now();
  std::string answer;
  for (const char byte : get("/hub/" + std::string(200, 'x'))) {  // would take ten seconds
    if (!client.send(std::string_view(&byte, 1))) break;
    answer = client.read_some(milliseconds(50));
    if (!answer.empty()) break;
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
  EXPECT_LT(Steady::now() - began, seconds(4));
}

TEST(Connection, Rule68AnIdleConnectionIsClosedWithoutAWord) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.idle_timeout = seconds(1);
  Wire wire(settings);
  Peer client = wire.client();
  client.send(get("/hub/"));
  client.read_until("body=");
  EXPECT_TRUE(client.ended());
  EXPECT_FALSE(client.was_reset());
}

TEST(Connection, ABodyThatDoesNotComeIs408) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.body_timeout = seconds(1);
  Upstream upstream([](Peer& peer, int) { peer.read_all(); });
  Wire wire(settings);
  wire.route(upstream);
  for (const std::string path : {"/hub/", "/user/a/"}) {
    Peer client = wire.client();
    client.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 408 ")) << path;
  }
}

TEST(Connection, Rule67AClientThatSaidItsLastByteGetsItsAnswer) {
  Peer client;
  Upstream upstream([&](Peer& peer, int) {
    peer.read_head();
    EXPECT_TRUE(eventually([&] { return client.end_arrived(); }));
    peer.send(ok("still here", "Connection: close\r\n"));
  });
  Wire wire;
  wire.route(upstream);
  client = wire.client();
  client.send(get("/user/a/"));
  client.half_close();
  EXPECT_THAT(client.read_all(), EndsWith("still here"));
}

TEST(Connection, BeyondMaxConnectionsOneIsToldSo) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.max_connections = 2;
  Wire wire(settings);
  Peer first = wire.client();
  Peer second = wire.client();
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 2; }));
  Peer third = wire.client();
  EXPECT_THAT(third.read_all(), StartsWith("HTTP/1.1 503 "));
  first.close();
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 1; }));
  EXPECT_THAT(wire.ask(get("/hub/", "Connection: close\r\n")), StartsWith("HTTP/1.1 200 "));
}

TEST(Connection, TheAddressComesFromATrustedProxyOnly) {
  ProxySettings settings = Wire::quick_settings();
  const std::string request = get("/hub/", "X-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n");
  {
    Wire wire(settings);
    EXPECT_THAT(wire.ask(request), HasSubstr(" peer=127.0.0.1 "));
  }
  settings.trusted_proxies = {"127.0.0.0/8"};
  Wire wire(settings);
  EXPECT_THAT(wire.ask(request), HasSubstr(" peer=192.0.2.7 "));
}

TEST(Connection, AWrongCidrOrAddressIsAnErrorOfTheStart) {
  TestGate gate;
  TestHub hub;
  ProxySettings settings = Wire::quick_settings();
  settings.trusted_proxies = {"10.0.0.0/33"};
  EXPECT_FALSE(Proxy(settings, gate, hub).start());
  settings.trusted_proxies.clear();
  settings.endpoints.front().address = "localhost";
  EXPECT_FALSE(Proxy(settings, gate, hub).start());
}

TEST(Stop, ARequestUnderWayIsFinishedAndIdleConnectionsAreClosed) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
    peer.read_until("go on");
    peer.send("half");
  });
  Wire wire;
  wire.route(upstream);
  Peer idle = wire.client();
  idle.send(get("/hub/"));
  idle.read_until("body=");
  Peer busy = wire.client();
  busy.send("POST /user/a/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  EXPECT_THAT(busy.read_until("half"), StartsWith("HTTP/1.1 200 OK\r\n"));
  std::thread stopping([&] { wire.proxy->stop(seconds(10)); });
  EXPECT_TRUE(idle.ended());
  EXPECT_EQ(wire.client().fd(), -1);
  busy.send("go on");
  EXPECT_EQ(busy.read_all(), "half");
  stopping.join();
  EXPECT_EQ(wire.proxy->counters().connections, 0U);
}

TEST(Stop, WhatIsNotDoneInTimeIsCut) {
  Upstream upstream([](Peer& peer, int) { peer.read_all(milliseconds(20'000)); });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().forwarded == 1; }));
  const auto began = Steady::now();
  wire.proxy->stop(seconds(1));
  EXPECT_LT(Steady::now() - began, seconds(4));
  EXPECT_TRUE(client.ended());
}

TEST(Stop, TheHubMayAnswerAfterTheEnd) {
  std::shared_ptr<HubReply> kept;
  std::atomic<bool> asked{false};
  {
    Wire wire;
    wire.hub.answer_with([&](HubRequest, std::shared_ptr<HubReply> reply) {
      kept = std::move(reply);
      asked = true;
    });
    Peer client = wire.client();
    client.send(get("/hub/"));
    ASSERT_TRUE(eventually([&] { return asked.load(); }));
  }
  kept->send({200, {}, "too late"});
}

/// How long nine of ten requests take at most.
milliseconds usual_time(Peer& client, const std::function<void(std::size_t round)>& meanwhile) {
  std::vector<milliseconds> took;
  for (std::size_t round = 0; round < 200; ++round) {
    meanwhile(round);
    const auto began = Steady::now();
    client.send(get("/user/a/"));
    client.read_head();
    EXPECT_THAT(client.read_head(), StartsWith("GET /user/a/ "));
    took.push_back(std::chrono::duration_cast<milliseconds>(Steady::now() - began));
  }
  std::sort(took.begin(), took.end());
  return took[took.size() * 9 / 10];
}

TEST(Load, R6TwoThousandClientsThatDripTheirHeadsDisturbNobody) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < 5000) GTEST_SKIP() << "needs 5,000 descriptors";
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  ProxySettings settings = Wire::quick_settings();
  settings.limits.header_timeout = seconds(600);  // nobody shall be helped by giving up
  Upstream upstream(echo_heads());
  Wire wire(settings);
  wire.route(upstream);
  const int before = open_descriptors();
  Peer client = wire.client();
  const milliseconds alone = usual_time(client, [](std::size_t) {});
  std::vector<Peer> dripping;
  for (int at = 0; at < 2000; ++at) {
    dripping.push_back(wire.client());
    ASSERT_TRUE(dripping.back().send("GET /user/a/ HTT"));
  }
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 2001; }));
  const milliseconds beside = usual_time(client, [&](std::size_t round) {
    for (std::size_t drop = 0; drop < 20; ++drop)
      dripping[(round * 20 + drop) % dripping.size()].send("P");
  });
  EXPECT_LT(beside, std::max(milliseconds(50), 5 * alone));  // a busy machine is slow either way
  dripping.clear();
  client.close();
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  EXPECT_LE(open_descriptors(), before + 2);  // a pooled connection, both of its ends
}

}  // namespace
}  // namespace passerelle::proxy::wire
