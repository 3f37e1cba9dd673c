// Hosts, loops, hops and pipelines on the wire. Numbers are those of docs/http-behaviour.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Rules, Rule8AnotherHostIsMisdirected) {
  Upstream upstream(echo_heads());
  ProxySettings settings = Wire::quick_settings();
  settings.hosts = {"example.fr"};
  Wire wire(settings);
  wire.route(upstream);
  EXPECT_THAT(wire.ask("GET /user/a/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
              StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(wire.ask("GET http://evil.example/user/a/ HTTP/1.1\r\nHost: example.fr\r\n\r\n"),
              StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(wire.ask("GET http://example.fr/user/a/ HTTP/1.1\r\nHost: "
                       "evil.example\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(upstream.connections(), 1);
}

TEST(Rules, Rule48ALoopEnds) {
  // The upstream sends what it was asked back to the proxy, as a misconfigured one would.
  std::atomic<std::uint16_t> port{0};
  Upstream upstream([&port](Peer& peer, int) {
    const std::string head = peer.read_head();
    Peer again = Peer::connect(port);
    again.send(head);
    peer.send(again.read_all());
  });
  Wire wire;
  port = wire.proxy->port();
  wire.route(upstream);
  EXPECT_THAT(wire.ask(get("/user/a/", "Connection: close\r\n")),
              StartsWith("HTTP/1.1 508 Loop Detected\r\n"));
  EXPECT_EQ(upstream.connections(), 1);
}

TEST(Rules, Rule48TheUpstreamSeesWhoPassedItOn) {
  Upstream upstream(echo_heads());
  ProxySettings settings = Wire::quick_settings();
  settings.via = "gate-1";
  Wire wire(settings);
  wire.route(upstream);
  EXPECT_THAT(wire.ask(get("/user/a/", "Via: 1.0 before\r\nConnection: close\r\n")),
              HasSubstr("Via: 1.0 before\r\nVia: 1.1 gate-1\r\n"));
}

TEST(Rules, Rule50OptionsWithoutAHopLeftIsOurs) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream);
  const std::string options =
      "OPTIONS /user/a/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\nMax-Forwards: ";
  EXPECT_THAT(wire.ask(options + "0\r\n\r\n"), HasSubstr("\r\nAllow: GET, "));
  EXPECT_EQ(upstream.connections(), 0);
  EXPECT_THAT(wire.ask(options + "3\r\n\r\n"), HasSubstr("Max-Forwards: 2\r\n"));
}

TEST(Rules, Rule63RangesPassAsTheyAre) {
  const std::string parts = "--B\r\nContent-Range: bytes 0-1/9\r\n\r\nab\r\n--B--\r\n";
  const std::string fields =
      "Content-Range: bytes */9\r\nAccept-Ranges: bytes\r\nETag: \"v\"\r\n"
      "Content-Type: multipart/byteranges; boundary=B\r\n";
  Upstream upstream([&](Peer& peer, int) {
    EXPECT_THAT(peer.read_head(), HasSubstr("Range: bytes=0-1,4-5\r\nIf-Range: \"v\"\r\n"));
    peer.send("HTTP/1.1 206 Partial Content\r\n" + fields +
              "Content-Length: " + std::to_string(parts.size()) + "\r\n\r\n" + parts);
  });
  Wire wire;
  wire.route(upstream);
  const std::string answer =
      wire.ask(get("/user/a/", "Range: bytes=0-1,4-5\r\nIf-Range: \"v\"\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 206 Partial Content\r\n"));
  EXPECT_THAT(answer, HasSubstr(fields));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n" + parts));
}

TEST(Rules, Rule65ALocationBehindUsNamesUs) {
  std::string own;
  Upstream upstream([&own](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 302 Found\r\nLocation: http://" + own +
              "/user/a/lab\r\nContent-Length: 0\r\n\r\n");
  });
  own = "127.0.0.1:" + std::to_string(upstream.address().port);
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(get("/user/a/", "Connection: close\r\n")),
              HasSubstr("Location: http://example.fr/user/a/lab\r\n"));
}

TEST(Rules, Rule44APipelineIsServedInOrderHoweverLong) {
  constexpr int kRequests = 3000;
  Upstream upstream([](Peer& peer, int) {
    for (std::string head = peer.read_head(); !head.empty(); head = peer.read_head())
      peer.send(ok(head.substr(0, head.find(" HTTP"))));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  std::thread sender([&client] {
    std::string all;
    for (int number = 0; number < kRequests; ++number)
      all += get("/user/a/" + std::to_string(number));
    client.send(all);
  });
  for (int number = 0; number < kRequests; ++number) {
    const std::string expected = "GET /user/a/" + std::to_string(number);
    client.read_head();
    ASSERT_EQ(client.read_exactly(expected.size()), expected);
  }
  sender.join();
  EXPECT_EQ(upstream.connections(), 1);
}

// What is pipelined behind an unfinished request stays in the kernel: the client cannot make us
// keep it.
TEST(Rules, Rule44AnUnreadPipelineIsNotTakenIn) {
  std::atomic<bool> answer{false};
  Upstream upstream([&answer](Peer& peer, int) {
    peer.read_head();
    eventually([&answer] { return answer.load(); });
    peer.send(ok("first"));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.small_window(8192);
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const std::string request = get("/user/a/");
  std::size_t sent = 0;
  int refused = 0;
  while (refused < 50 && sent < (64U << 20U)) {
    const ssize_t count = ::send(client.fd(), request.data(), request.size(), flags);
    if (count > 0) sent += static_cast<std::size_t>(count);
    refused = count > 0 ? 0 : refused + 1;
    if (count <= 0) std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_LT(sent, 16U << 20U);
  answer = true;
}

}  // namespace
}  // namespace passerelle::proxy::wire
