// Bodies both ways: framing anew, expectations, early answers, back-pressure, event streams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string post(const std::string& fields, std::string_view body) {
  return "POST /user/a/x HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + std::string(body);
}

/// Reads a head and `count` bytes, then answers with both.
Upstream::Script echo_body(std::size_t count) {
  return [count](Peer& peer, int) {
    const std::string head = peer.read_head();
    peer.send(ok(head + peer.read_exactly(count)));
  };
}

/// Answers each request with `answer` as it stands; closes then if told so.
Upstream::Script say(std::string answer, bool close = false) {
  return [=](Peer& peer, int) {
    for (std::string head = peer.read_head(); head.ends_with("\r\n\r\n"); head = peer.read_head()) {
      peer.send(answer);
      if (close) return;
    }
  };
}

TEST(Body, ALengthBodyArrivesWhole) {
  Upstream upstream(echo_body(5));
  Wire wire;
  wire.route(upstream);
  const std::string answer = wire.ask(post("Content-Length: 5\r\nConnection: close\r\n", "hello"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nhello"));
}

TEST(Body, Rule40ChunksAreFramedAnewWithoutTheirExtensions) {
  Upstream upstream([](Peer& peer, int) {
    const std::string head = peer.read_head();
    peer.send(ok(head + peer.read_until("0\r\n\r\n")));
  });
  Wire wire;
  wire.route(upstream);
  const std::string answer = wire.ask(post("Transfer-Encoding: chunked\r\nConnection: close\r\n",
                                           "2;name=\"v\"\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"));
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"));
}

TEST(Body, Rule40ChunksSplitAnywhereArriveWhole) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    std::string body;
    for (std::string line = peer.read_until("\r\n"); line != "0\r\n" && !line.empty();
         line = peer.read_until("\r\n"))
      body += peer.read_exactly(std::stoul(line, nullptr, 16) + 2)
                  .substr(0, std::stoul(line, nullptr, 16));
    peer.send(ok(body));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(post("Transfer-Encoding: chunked\r\nConnection: close\r\n", ""));
  for (const char byte :
       std::string_view("4\r\nwxyz\r\n1;a=b\r\n!\r\n0\r\nX-Trailer: dropped\r\n\r\n"))
    client.send(std::string_view(&byte, 1));
  EXPECT_THAT(client.read_all(), EndsWith("\r\n\r\nwxyz!"));
}

TEST(Body, Rule41AMalformedChunkIsRefused) {
  Upstream upstream(echo_body(1));
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(post("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n")),
              StartsWith("HTTP/1.1 400 "));
}

TEST(Body, Rule43WhatFollowsTheLastChunkIsTheNextRequest) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.read_until("0\r\n\r\n");
    peer.send(ok("first"));
    peer.send(ok(peer.read_head()));
  });
  Wire wire;
  wire.route(upstream);
  const std::string answers =
      wire.ask(post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n") +
               get("/user/a/second", "Connection: close\r\n"));
  EXPECT_THAT(answers, HasSubstr("\r\n\r\nfirstHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answers, HasSubstr("GET /user/a/second HTTP/1.1\r\n"));
}

TEST(Body, Rule45ABodyOnGetIsForwardedWithItsFraming) {
  Upstream upstream(echo_body(3));
  Wire wire;
  wire.route(upstream);
  const std::string answer =
      wire.ask(get("/user/a/", "Content-Length: 3\r\nConnection: close\r\n") + "abc");
  EXPECT_THAT(answer, EndsWith("\r\n\r\nabc"));
}

TEST(Body, Rule52TheUpstreamsContinueIsPassedOnce) {
  Upstream upstream([](Peer& peer, int) {
    const std::string head = peer.read_head();
    peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    peer.send(ok(head + peer.read_exactly(4)));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(post("Content-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n", ""));
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  const std::string answer = client.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Expect: 100-continue\r\n"));
  EXPECT_THAT(answer, EndsWith("body"));
}

TEST(Body, Rule52AnUpstreamThatKeepsSilentIsSpokenForAfterASecond) {
  Upstream upstream(echo_body(4));
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(post("Content-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n", ""));
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("late");
  EXPECT_THAT(client.read_all(), EndsWith("late"));
}

TEST(Body, Rule53EarlyHintsReachA11ClientAndNoOlderOne) {
  Upstream upstream(
      say("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + ok("page")));
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(
      wire.ask(get("/user/a/", "Connection: close\r\n")),
      StartsWith(
          "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(wire.ask("GET /user/a/ HTTP/1.0\r\nHost: h\r\n\r\n"),
              StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Body, Rule54And55AnAnswerBeforeTheBodysEndIsNotLost) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(
        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfull");
    peer.close();
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(post("Content-Length: 10000000\r\n", std::string(100'000, 'x')));
  const std::string answer = client.read_until("full");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.ended());
  EXPECT_FALSE(client.was_reset());
  for (int part = 0; part < 3; ++part)  // it has not understood yet, and is not punished for it
    EXPECT_TRUE(client.send(std::string(100'000, 'x')));
}

TEST(Body, Rule54TheRequestsBodyFlowsOnWhileTheAnswerDoes) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(kChunkedHead);
    for (int part = 0; part < 3; ++part) peer.send("2\r\n" + peer.read_exactly(2) + "\r\n");
    peer.send("0\r\n\r\n");
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(post("Content-Length: 6\r\n", ""));
  client.read_head();
  for (const std::string part : {"ab", "cd", "ef"}) {
    client.send(part);
    EXPECT_EQ(client.read_until(part + "\r\n"), "2\r\n" + part + "\r\n");
  }
  EXPECT_EQ(client.read_all(), "0\r\n\r\n");
}

TEST(Body, Rule57HeadAndBodilessStatusesHaveNoBody) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");  // to HEAD
    peer.read_head();
    peer.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n");
    peer.read_head();
    peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    peer.read_head();
    peer.send(ok("end"));
  });
  Wire wire;
  wire.route(upstream);
  const std::string answers =
      wire.ask("HEAD /user/a/ HTTP/1.1\r\nHost: h\r\n\r\n" + get("/user/a/") + get("/user/a/") +
               get("/user/a/", "Connection: close\r\n"));
  EXPECT_THAT(answers, HasSubstr("Content-Length: 1000\r\n"));
  EXPECT_THAT(answers, HasSubstr("\r\n\r\nHTTP/1.1 304 "));
  EXPECT_THAT(answers, HasSubstr("\r\n\r\nHTTP/1.1 204 "));
  EXPECT_THAT(answers, HasSubstr("\r\n\r\nHTTP/1.1 200 "));
  EXPECT_THAT(answers, EndsWith("\r\n\r\nend"));
  EXPECT_EQ(upstream.connections(), 1);
}

TEST(Body, Rule59AnAnswerUpToTheCloseBecomesChunked) {
  Upstream upstream(say("HTTP/1.1 200 OK\r\n\r\nuntil the end", true));
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  for (int round = 0; round < 2; ++round) {
    client.send(get("/user/a/"));
    const std::string head = client.read_head();
    EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_EQ(client.read_until("0\r\n\r\n"), "d\r\nuntil the end\r\n0\r\n\r\n");
  }
}

TEST(Body, Rule59And80AnOldClientGetsItUpToTheClose) {
  Upstream upstream(say(std::string(kChunkedHead) + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"));
  Wire wire;
  wire.route(upstream);
  const std::string answer =
      wire.ask("GET /user/a/ HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nabcdef"));
}

TEST(Body, Rule80AnOldClientMayStayWhenItAsks) {
  Upstream upstream(say(ok("x")));
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  for (int round = 0; round < 2; ++round) {
    client.send("GET /user/a/ HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(client.read_until("\r\n\r\nx"), HasSubstr("Connection: keep-alive\r\n"));
  }
}

TEST(Body, Rule62AnEventIsPassedOnTheMomentItComes) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int event = 0; event < 3; ++event) {
      peer.send("9\r\ndata: " + std::to_string(event) + "\n\n\r\n");
      if (event < 2) peer.read_until("next");  // would wait for ever if the event were held back
    }
    peer.send("0\r\n\r\n");
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(post("Content-Length: 8\r\n", ""));
  client.read_head();
  for (int event = 0; event < 3; ++event) {
    EXPECT_EQ(client.read_until("\n\n\r\n"), "9\r\ndata: " + std::to_string(event) + "\n\n\r\n");
    if (event < 2) client.send("next");
  }
}

TEST(Body, Rule73ATooLongBodyIsRefusedBeforeItIsRead) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.max_body = 1000;
  Upstream upstream(echo_body(1000));
  Wire wire(settings);
  wire.route(upstream);
  EXPECT_THAT(wire.ask(post("Content-Length: 1001\r\n", "")), StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(upstream.connections(), 0);
  EXPECT_THAT(
      wire.ask(post("Content-Length: 1000\r\nConnection: close\r\n", std::string(1000, 'x'))),
      StartsWith("HTTP/1.1 200 "));
}

TEST(Body, Rule73ATooLongChunkedBodyIsRefusedOnceItIs) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.max_body = 1000;
  Upstream upstream([](Peer& peer, int) { peer.read_all(); });
  Wire wire(settings);
  wire.route(upstream);
  EXPECT_THAT(wire.ask(post("Transfer-Encoding: chunked\r\n",
                            "3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n")),
              StartsWith("HTTP/1.1 413 "));
}

TEST(Body, Rule73SixtyMebibytesGoUpAndDown) {
  constexpr std::size_t kSize = 60U << 20U;
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    std::size_t left = kSize;
    unsigned int sum = 0;
    while (left > 0) {
      const std::string part = peer.read_some(milliseconds(5000));
      if (part.empty()) return;
      left -= part.size();
      for (const char byte : part) sum += static_cast<unsigned char>(byte);
    }
    peer.send("HTTP/1.1 200 OK\r\nX-Sum: " + std::to_string(sum) +
              "\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    const std::string part(1U << 20U, 'z');
    for (std::size_t sent = 0; sent < kSize; sent += part.size()) peer.send(part);
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(post("Content-Length: " + std::to_string(kSize) + "\r\n", ""));
  const std::string part(1U << 20U, 'y');
  for (std::size_t sent = 0; sent < kSize; sent += part.size()) ASSERT_TRUE(client.send(part));
  EXPECT_THAT(client.read_head(),
              HasSubstr("X-Sum: " + std::to_string(kSize * 'y' % (std::size_t{1} << 32U))));
  EXPECT_EQ(client.read_exactly(kSize, milliseconds(20'000)).size(), kSize);
}

}  // namespace
}  // namespace passerelle::proxy::wire
