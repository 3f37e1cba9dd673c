// Upstreams and clients that die, lie or do not read, at every stage of a request.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Reads the first head, sends `answer`, closes.
Upstream::Script say_and_close(std::string answer) {
  return [=](Peer& peer, int) {
    peer.read_head();
    peer.send(answer);
  };
}

std::string close_get() {
  return get("/user/a/", "Connection: close\r\n");
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  status >> all >> resident;
  return resident * 4;
}

TEST(Fault, NobodyListensIsTheHubsToTell) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream);
  upstream.stop();
  EXPECT_THAT(wire.ask(close_get()), HasSubstr("reason=upstream-unreachable"));
}

TEST(Fault, AUnixSocketThatIsGoneIsTheHubsToTell) {
  Upstream upstream(echo_heads(), Upstream::Kind::unix_socket);
  Wire wire;
  wire.route(upstream);
  upstream.stop();
  EXPECT_THAT(wire.ask(close_get()), HasSubstr("reason=upstream-unreachable"));
}

TEST(Fault, AfterAFailureTheConnectionServesOn) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream);
  upstream.stop();
  Peer client = wire.client();
  for (int round = 0; round < 3; ++round) {
    client.send(get("/user/a/"));
    EXPECT_THAT(client.read_until("body="), HasSubstr("reason=upstream-unreachable"));
  }
}

TEST(Fault, R5DeathBeforeTheHead) {
  Upstream upstream(say_and_close(""));
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(close_get()), HasSubstr("reason=upstream-closed"));
  EXPECT_EQ(upstream.connections(), 1);  // it was a fresh one: nothing speaks for another try
}

TEST(Fault, R5DeathInTheHead) {
  Upstream upstream(say_and_close("HTTP/1.1 200 OK\r\nContent-Le"));
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(close_get()), HasSubstr("reason=upstream-closed"));
}

TEST(Fault, Rule60DeathInTheBodyIsNoEnd) {
  Upstream upstream(say_and_close("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"));
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  client.read_all();
  EXPECT_TRUE(client.was_reset());
}

TEST(Fault, Rule60DeathInAChunkIsNoEnd) {
  Upstream upstream(
      say_and_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this"));
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  EXPECT_THAT(client.read_all(), Not(HasSubstr("0\r\n\r\n")));
  EXPECT_TRUE(client.was_reset());
}

TEST(Fault, Rule60DeathBetweenChunksIsNoEnd) {
  Upstream upstream(
      say_and_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nthis\r\n"));
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  EXPECT_THAT(client.read_all(), Not(HasSubstr("0\r\n\r\n")));
  EXPECT_TRUE(client.was_reset());
}

TEST(Fault, Rule61WhatIsNoHttpIsTheHubsToTell) {
  Upstream upstream(say_and_close("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(close_get()), HasSubstr("reason=upstream-invalid"));
}

TEST(Fault, Rule61AFirstChunkThatIsNoneIsTheHubsToTell) {
  Upstream upstream(
      say_and_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"));
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(close_get()), HasSubstr("reason=upstream-invalid"));
}

TEST(Fault, R7EndlessInterimAnswersAreBounded) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    while (peer.send("HTTP/1.1 102 Processing\r\n\r\n")) {
    }
  });
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(close_get()), HasSubstr("reason=upstream-invalid"));
}

TEST(Fault, AnEndlessHeadIsBounded) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\n");
    while (peer.send("X-More: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(close_get()), HasSubstr("reason=upstream-invalid"));
}

TEST(Fault, AnAnswerThatDoesNotComeInTimeIsTheHubsToTell) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.response_timeout = seconds(1);
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.read_all(milliseconds(10'000));
  });
  Wire wire(settings);
  wire.route(upstream);
  EXPECT_THAT(wire.ask(close_get()), HasSubstr("reason=upstream-timeout"));
}

TEST(Pool, Rule68AConnectionTheUpstreamClosedIsNotUsedAgain) {
  Upstream upstream([](Peer& peer, int number) {
    peer.read_head();
    peer.send(ok(std::to_string(number)));  // keep-alive, and yet it closes
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  for (int round = 0; round < 20; ++round) {
    client.send(get("/user/a/"));
    EXPECT_THAT(client.read_until("\r\n\r\n" + std::to_string(round)),
                StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  EXPECT_EQ(wire.proxy->counters().upstream_failures, 0U);
}

TEST(Pool, Rule68AGetIsRepeatedWhenAPooledConnectionDiesUnderIt) {
  Upstream upstream([](Peer& peer, int number) {
    peer.read_head();
    peer.send(ok(std::to_string(number)));
    if (number == 0) peer.read_head();  // takes the second request, and dies
    if (number == 0) return;
    peer.read_all();
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  client.read_until("\r\n\r\n0");
  client.send(get("/user/a/"));
  EXPECT_THAT(client.read_until("\r\n\r\n1"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(wire.proxy->counters().retries, 1U);
}

TEST(Pool, Rule68APostIsNeverSentTwice) {
  std::atomic<int> posts{0};
  Upstream upstream([&](Peer& peer, int) {
    peer.read_head();
    peer.send(ok("0"));
    if (peer.read_head().starts_with("POST")) ++posts;
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  client.read_until("\r\n\r\n0");
  client.send("POST /user/a/ HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client.read_until("body="), HasSubstr("reason=upstream-closed"));
  EXPECT_EQ(posts, 1);
}

TEST(Pool, AConnectionNeverServesAnotherRoute) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream, "/user/a/");
  wire.route(upstream, "/user/b/");
  Peer client = wire.client();
  for (int round = 0; round < 3; ++round) {
    for (const std::string path : {"/user/a/", "/user/b/"}) {
      client.send(get(path));
      client.read_head();
      client.read_head();
    }
  }
  EXPECT_EQ(upstream.connections(), 2);
}

TEST(Pool, AReplacedRoutesConnectionsAreNotUsed) {
  Upstream upstream([](Peer& peer, int number) {
    while (peer.read_head().ends_with("\r\n\r\n")) peer.send(ok(std::to_string(number)));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  client.read_until("\r\n\r\n0");
  wire.route(upstream);
  client.send(get("/user/a/"));
  EXPECT_THAT(client.read_until("\r\n\r\n1"), EndsWith("\r\n\r\n1"));
}

TEST(Pool, BytesBeyondTheAnswerSpoilTheConnection) {
  Upstream upstream([](Peer& peer, int number) {
    peer.read_head();
    peer.send(ok(std::to_string(number)) + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    peer.read_all();
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  for (int round = 0; round < 3; ++round) {
    client.send(get("/user/a/"));
    EXPECT_THAT(client.read_until("\r\n\r\n" + std::to_string(round)), Not(HasSubstr("forged")));
  }
}

TEST(Client, OneThatVanishesEndsTheUpstreamsWork) {
  std::atomic<bool> ended{false};
  Upstream upstream([&](Peer& peer, int) {
    peer.read_head();
    ended = peer.ended(milliseconds(10'000));
  });
  Wire wire;
  const auto route = wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  ASSERT_TRUE(eventually([&] { return route->in_flight == 1; }));
  client.reset();
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
  EXPECT_TRUE(eventually([&] { return route->in_flight == 0; }));
}

TEST(Client, OneThatVanishesInItsBodyEndsTheUpstreamsWork) {
  std::atomic<bool> ended{false};
  Upstream upstream([&](Peer& peer, int) {
    peer.read_head();
    peer.read_exactly(3);
    ended = peer.ended(milliseconds(10'000));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send("POST /user/a/ HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().forwarded == 1; }));
  client.close();
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
}

TEST(Client, Rule74OneThatDoesNotReadHoldsNoMoreThanItsShare) {
  constexpr std::size_t kSize = 50U << 20U;
  std::atomic<std::size_t> taken{0};
  Upstream upstream([&](Peer& peer, int) {
    peer.small_window(64 << 10);
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    const std::string part(16U << 10U, 's');
    while (taken < kSize && peer.send(part)) taken += part.size();
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.small_window(64 << 10);
  client.send(get("/user/a/"));
  client.read_head();
  const std::size_t before = resident_kib();
  std::size_t last = 0;
  while (last != taken || last == 0) {  // until nothing moves any more
    last = taken;
    std::this_thread::sleep_for(milliseconds(200));
  }
  EXPECT_LT(last, 20U << 20U);  // kernel buffers of three sockets, and ours
  EXPECT_LT(resident_kib(), before + 4096);
  EXPECT_EQ(client.read_exactly(kSize, milliseconds(20'000)).size(), kSize);
}

TEST(Fault, R12WithoutDescriptorsItTellsOneClientAndRecovers) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(close_get()), StartsWith("HTTP/1.1 200 "));
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  const rlimit tight{100, usual.rlim_max};
  setrlimit(RLIMIT_NOFILE, &tight);
  std::vector<int> taken;
  for (int fd = dup(0); fd >= 0; fd = dup(0)) taken.push_back(fd);
  ASSERT_FALSE(taken.empty());
  ::close(taken.back());  // one is left: the client's
  taken.pop_back();
  Peer turned_away = wire.client();
  const std::string answer = turned_away.read_all();
  for (const int fd : taken) ::close(fd);
  setrlimit(RLIMIT_NOFILE, &usual);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  // Within a tick; who comes in the very round that spends the reserve is told as well.
  EXPECT_TRUE(eventually([&] { return wire.ask(close_get()).starts_with("HTTP/1.1 200 "); }));
}

TEST(Fault, NothingIsLeftAfterAHundredFailures) {
  Upstream upstream([](Peer& peer, int number) {
    peer.read_head();
    if (number % 3 == 0) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    if (number % 3 == 1) peer.reset();
  });
  Wire wire;
  const auto route = wire.route(upstream);
  wire.ask(close_get());
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  const int before = open_descriptors();
  for (int round = 0; round < 100; ++round) wire.ask(close_get());
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  EXPECT_EQ(route->in_flight, 0);
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }));
}

}  // namespace
}  // namespace passerelle::proxy::wire
