// Clients that are slow on purpose, clients that take nothing, and what can be told of all of them.
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kMega = 1U << 20U;

/// Only the rate can end anything within the test.
ProxySettings with_rate(std::uint32_t bytes_a_second) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.min_rate = bytes_a_second;
  settings.limits.min_rate_after = seconds(1);
  settings.limits.body_timeout = seconds(600);
  return settings;
}

Upstream::Script send_much(std::size_t size) {
  return [size](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    const std::string piece(kMega, 'x');
    for (std::size_t sent = 0; sent < size && peer.send(piece); sent += piece.size()) {
    }
  };
}

/// Chunks cannot pass through a pipe inside the kernel: what the client does not take is ours to
/// keep.
Upstream::Script send_much_in_chunks() {
  return [](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "100000\r\n" + std::string(kMega, 'x') + "\r\n";
    for (int sent = 0; sent < 64 && peer.send(chunk); ++sent) {
    }
  };
}

TEST(Pace, ABodyThatDripsIsGivenUp) {
  Upstream upstream([](Peer& peer, int) { peer.read_all(milliseconds(20'000)); });
  Wire wire(with_rate(1000));
  wire.route(upstream);
  for (const std::string path : {"/user/a/", "/hub/"}) {
    Peer client = wire.client();
    client.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
    std::string answer;
    const auto began = Steady::now();
    while (answer.empty() && Steady::now() - began < seconds(15)) {
      client.send("x");
      answer = client.read_some(milliseconds(50));
    }
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 ")) << path;
  }
  EXPECT_EQ(wire.proxy->counters().too_slow, 2U);
}

TEST(Pace, ABodyThatIsJustFastEnoughArrives) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    EXPECT_EQ(peer.read_exactly(40'000, milliseconds(20'000)).size(), 40'000U);
    peer.send(ok("all"));
  });
  Wire wire(with_rate(1000));
  wire.route(upstream);
  Peer client = wire.client();
  client.send("POST /user/a/ HTTP/1.1\r\nHost: h\r\nContent-Length: 40000\r\n\r\n");
  client.send(std::string(1000, 'x'));
  for (int at = 1; at < 40; ++at) {  // 10,000 bytes a second, for four seconds
    EXPECT_EQ(client.read_some(milliseconds(100)), "");
    client.send(std::string(1000, 'x'));
  }
  EXPECT_THAT(client.read_until("all"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(wire.proxy->counters().too_slow, 0U);
}

TEST(Pace, AReaderThatTakesNothingIsCut) {
  Upstream upstream(send_much(64 * kMega));
  Wire wire(with_rate(1000));
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().forwarded == 1; }));
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().too_slow == 1; }));
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  client.read_all();
  EXPECT_TRUE(client.was_reset());
}

TEST(Pace, AReaderThatTakesSomeIsNot) {
  Upstream upstream(send_much(16 * kMega));
  Wire wire(with_rate(1000));
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  client.read_head();
  for (int at = 0; at < 16; ++at) {  // four seconds, in fits and starts
    EXPECT_EQ(client.read_exactly(kMega).size(), kMega);
    std::this_thread::sleep_for(milliseconds(250));
  }
  EXPECT_EQ(wire.proxy->counters().too_slow, 0U);
}

TEST(Pace, ASlowServerIsNoSlowClient) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    for (const char* const byte : {"s", "l", "o", "w"}) {
      peer.send(byte);
      peer.read_some(milliseconds(1000));
    }
  });
  Wire wire(with_rate(1'000'000));
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  EXPECT_THAT(client.read_until("slow", milliseconds(10'000)), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(wire.proxy->counters().too_slow, 0U);
}

TEST(Shedding, ThoseThatHoldMostGoAndTheRestGoesOn) {
  constexpr std::size_t kGreedy = 32;
  ProxySettings settings = Wire::quick_settings();
  settings.limits.max_buffered = kMega;
  Upstream upstream(send_much_in_chunks());
  Upstream good(echo_heads());
  Wire wire(settings);
  wire.route(upstream);
  wire.route(good, "/user/good/");
  Peer before = wire.client();
  before.send(get("/user/good/"));
  before.read_head();
  before.read_head();
  std::vector<Peer> greedy;
  for (std::size_t at = 0; at < kGreedy; ++at) greedy.push_back(wire.client());
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == kGreedy + 1; }));
  for (Peer& client : greedy) client.send(get("/user/a/"));
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().shed > 0; }));
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().kept < kMega; }));
  before.send(get("/user/good/"));
  const std::string answer = before.read_head();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  greedy.clear();
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().kept < kMega / 2; }));
  EXPECT_TRUE(eventually([&] {
    return wire.ask(get("/hub/", "Connection: close\r\n")).starts_with("HTTP/1.1 200 ");
  }));
}

TEST(Shedding, FromAHalfOnConnectionsEndAndFromThreeQuartersOnNobodyIsLetIn) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.max_buffered = 40 * 1024;
  Wire wire(settings);
  Peer first = wire.client();
  Peer second = wire.client();
  first.send("GET /hub/ HTTP/1.1\r\nHost: h\r\nA: " + std::string(22 * 1024, 'a'));
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().kept > 20 * 1024; }));
  Peer third = wire.client();
  third.send(get("/hub/"));
  EXPECT_THAT(third.read_all(), HasSubstr("\r\nConnection: close\r\n"));
  second.send("GET /hub/ HTTP/1.1\r\nHost: h\r\nA: " + std::string(10 * 1024, 'a'));
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().kept > 30 * 1024; }));
  EXPECT_TRUE(eventually(
      [&] { return wire.client().read_some(milliseconds(50)).starts_with("HTTP/1.1 503 "); }));
  EXPECT_EQ(wire.proxy->counters().shed, 0U);
  first.send("\r\n\r\n");  // neither was cut
  EXPECT_THAT(first.read_head(), StartsWith("HTTP/1.1 200 "));
}

std::vector<LiveConnection> survey(const Wire& wire, std::size_t most = 100) {
  std::promise<std::vector<LiveConnection>> told;
  wire.proxy->survey(most,
                     [&](std::vector<LiveConnection> found) { told.set_value(std::move(found)); });
  return told.get_future().get();
}

std::string states(const Wire& wire) {
  std::string all;
  for (const LiveConnection& one : survey(wire)) all.append(one.state).append(" ");
  return all;
}

TEST(Survey, TellsWhatEachConnectionDoes) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
    peer.read_all(milliseconds(20'000));
  });
  Wire wire;
  wire.route(upstream);
  std::shared_ptr<HubReply> kept;
  wire.hub.answer_with(
      [&](HubRequest, std::shared_ptr<HubReply> reply) { kept = std::move(reply); });
  Peer idle = wire.client();
  ASSERT_TRUE(eventually([&] { return states(wire) == "idle "; }));
  Peer head = wire.client();
  head.send("GET /user/");
  ASSERT_TRUE(eventually([&] { return states(wire) == "idle head "; }));
  Peer request = wire.client();
  request.send(get("/user/a/file?token=secret"));
  request.read_until("hello");
  ASSERT_TRUE(eventually([&] { return states(wire) == "idle head request "; }));
  Peer hub = wire.client();
  hub.send(get("/hub/home"));
  ASSERT_TRUE(eventually([&] { return states(wire) == "idle head request hub "; }));
  const std::vector<LiveConnection> all = survey(wire);
  EXPECT_EQ(all[1].held, 10U);
  EXPECT_EQ(all[2].method, "GET");
  EXPECT_EQ(all[2].path, "/user/a/file");
  EXPECT_EQ(all[2].route, "/user/a/");
  EXPECT_EQ(all[2].bytes_out, 5U);
  EXPECT_EQ(all[2].peer, "127.0.0.1");
  EXPECT_EQ(all[3].path, "/hub/home");
  EXPECT_EQ(survey(wire, 2).size(), 2U);
  idle.close();
  EXPECT_TRUE(eventually([&] { return states(wire) == "head request hub "; }));
}

// RFC 6455, 1.3: the key of its example and the answer to it.
TEST(Survey, TellsOfTunnels) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    peer.send(peer.read_exactly(5) + "and more");
    peer.read_all(milliseconds(20'000));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/socket?token=secret",
                  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  client.read_head();
  client.send("hello");
  EXPECT_EQ(client.read_until("more"), "helloand more");
  const std::vector<LiveConnection> all = survey(wire);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].state, "tunnel");
  EXPECT_EQ(all[0].path, "/user/a/socket");
  EXPECT_EQ(all[0].peer, "127.0.0.1");
  EXPECT_EQ(all[0].route, "/user/a/");
  EXPECT_EQ(all[0].bytes_in, 5U);
  EXPECT_EQ(all[0].bytes_out, 13U);
  EXPECT_EQ(wire.proxy->counters().answers[101], 1U);
}

TEST(Survey, AfterTheEndThereIsNobody) {
  Wire wire;
  Peer client = wire.client();
  wire.proxy->stop(seconds(0));
  EXPECT_TRUE(survey(wire).empty());
}

TEST(Trace, StandsOnAnswersAndReachesTheHub) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream);
  wire.hub.answer_with([](HubRequest request, std::shared_ptr<HubReply> reply) {
    reply->send({200, {}, "trace=" + request.trace});
  });
  const std::string parent =
      "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
  const std::string taken = wire.ask(get("/hub/", parent));
  EXPECT_THAT(taken, HasSubstr("trace=4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_THAT(taken, HasSubstr("\r\nX-Request-ID: 4bf92f3577b34da6a3ce929d0e0e4736\r\n"));
  EXPECT_THAT(wire.ask(get("/user/a/", parent)), HasSubstr(parent));  // goes on as it came
  const std::string made = wire.ask(get("/hub/", "traceparent: 00-nonsense\r\n"));
  EXPECT_THAT(made, testing::ContainsRegex("X-Request-ID: [0-9a-f]{32}\r\n"));
  EXPECT_THAT(wire.ask("GET  / HTTP/1.1\r\n\r\n"),
              testing::ContainsRegex("X-Request-ID: [0-9a-f]{32}\r\n"));
}

TEST(Counters, AnswersAndDurations) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream);
  wire.ask(get("/user/a/"));
  wire.ask(get("/hub/"));
  wire.ask("nonsense\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  const Counters counters = wire.proxy->counters();
  EXPECT_EQ(counters.answers[200], 2U);
  EXPECT_EQ(counters.answers[400], 1U);
  std::uint64_t durations = 0;
  for (const std::uint64_t bucket : counters.durations.buckets) durations += bucket;
  EXPECT_EQ(durations, 1U);
}

}  // namespace
}  // namespace passerelle::proxy::wire
