// Trailers, both directions (42, 66).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kAnswer =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Server-Timing\r\n\r\n"
    "5\r\nhello\r\n0\r\nServer-Timing: db;dur=53\r\nSet-Cookie: passerelle-session=x\r\nX_Odd: "
    "1\r\n\r\n";

Upstream::Script with_trailers() {
  return [](Peer& peer, int) {
    while (!peer.read_head().empty()) peer.send(kAnswer);
  };
}

TEST(Trailers, Rule66TheyReachAClientThatTakesThem) {
  Upstream upstream(with_trailers());
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  for (int round = 0; round < 2; ++round) {  // the connections live on
    client.send(get("/user/a/", "Connection: TE\r\nTE: trailers\r\n"));
    client.read_head();
    EXPECT_EQ(client.read_until("\r\n\r\n"), "5\r\nhello\r\n0\r\nServer-Timing: db;dur=53\r\n\r\n");
  }
  EXPECT_EQ(upstream.connections(), 1);
}

TEST(Trailers, Rule66TheyReachNobodyElse) {
  Upstream upstream(with_trailers());
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  client.read_head();
  EXPECT_EQ(client.read_until("\r\n\r\n"), "5\r\nhello\r\n0\r\n\r\n");
  client.send("GET /user/a/ HTTP/1.0\r\nHost: h\r\nTE: trailers\r\n\r\n");
  EXPECT_THAT(client.read_all(), EndsWith("\r\n\r\nhello"));
}

// Tornado, and so every Jupyter server, refuses a request that has trailers, and no server can say
// beforehand that it takes them.
TEST(Trailers, Rule42ThoseOfARequestEndHere) {
  Upstream upstream([](Peer& peer, int) {
    std::string all = peer.read_until("0\r\n\r\n");
    peer.send(ok(all));
  });
  Wire wire;
  wire.route(upstream);
  const std::string answer = wire.ask(
      "POST /user/a/ HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTransfer-Encoding: "
      "chunked\r\nConnection: close, TE\r\n\r\n"
      "2\r\nhi\r\n0\r\nX-Remote-User: root\r\nX-Sum: 1\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("2\r\nhi\r\n0\r\n\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("root")));
  EXPECT_THAT(answer, Not(HasSubstr("X-Sum")));
}

TEST(Trailers, Rule42MalformedOnesAreRefused) {
  Upstream upstream([](Peer& peer, int) { peer.read_until("0\r\n\r\n"); });
  Wire wire;
  wire.route(upstream);
  for (const char* trailer :
       {"no colon\r\n\r\n", " folded: 1\r\n\r\n", "a: b\n\n", ": x\r\n\r\n"}) {
    EXPECT_THAT(
        wire.ask(
            std::string(
                "POST /user/a/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n") +
            trailer),
        testing::StartsWith("HTTP/1.1 400 "))
        << trailer;
  }
}

}  // namespace
}  // namespace passerelle::proxy::wire
