// Up to the 101: which handshakes reach the upstream, which of its answers are one, and what passes
// with them. Then the hard ends of a tunnel: a RST from either side, somebody who does not read.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// RFC 6455, 1.3: the key of its example and the answer to it.
const std::string kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const std::string kAccept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const std::string kUpgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
const std::string kVersion = "Sec-WebSocket-Version: 13\r\n";
const std::string k101 = "HTTP/1.1 101 Switching Protocols\r\n";

std::string good_handshake(const std::string& fields = {}) {
  return get("/user/a/ws", kUpgrade + kVersion + kKey + fields);
}

/// Answers the first head with `answer`, then runs `then`.
Upstream::Script answers(
    std::string answer, Upstream::Script then = [](Peer& peer, int) { peer.read_all(); }) {
  return [answer = std::move(answer), then = std::move(then)](Peer& peer, int number) {
    peer.read_head();
    peer.send(answer);
    then(peer, number);
  };
}

Peer open_tunnel(Wire& wire) {
  Peer client = wire.client();
  client.send(good_handshake());
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 101 "));
  return client;
}

TEST(Handshake, Rule69AWrongOneIsRefusedBeforeTheUpstreamHearsOfIt) {
  Upstream upstream(answers(k101 + kUpgrade + kAccept + "\r\n"));
  Wire wire;
  wire.route(upstream);
  const auto status = [&](const std::string& request) { return wire.ask(request).substr(9, 3); };
  const auto with = [](const std::string& fields) { return get("/user/a/ws", fields); };
  EXPECT_EQ(status(with(kUpgrade + kKey)), "426");  // no version at all
  for (const char* const version : {"", "0", "7", "8", "12", "14", "013", "13, 8", "13 ", "x"}) {
    const bool same = std::string_view(version) == "13 ";  // blanks around a value mean nothing
    EXPECT_EQ(status(with(kUpgrade + kKey + "Sec-WebSocket-Version: " + version + "\r\n")),
              same ? "101" : "426")
        << version;
  }
  EXPECT_EQ(status(with(kUpgrade + kKey + kVersion + kVersion)), "400");
  for (const char* const key :
       {"", "x", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ=="})
    EXPECT_EQ(status(with(kUpgrade + kVersion + "Sec-WebSocket-Key: " + key + "\r\n")), "400")
        << key;
  EXPECT_EQ(status(with(kUpgrade + kVersion + kKey + kKey)), "400");
  EXPECT_EQ(status(with(kUpgrade + kVersion)), "400");
  EXPECT_EQ(status(good_handshake("Content-Length: 1\r\n") + "x"), "400");
  EXPECT_EQ(status(good_handshake("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n"), "400");
  EXPECT_EQ(status("POST /user/a/ws HTTP/1.1\r\nHost: h\r\n" + kUpgrade + kVersion + kKey + "\r\n"),
            "400");
  EXPECT_EQ(status("GET /user/a/ws HTTP/1.0\r\nHost: h\r\n" + kUpgrade + kVersion + kKey + "\r\n"),
            "400");
  EXPECT_EQ(upstream.connections(), 1);  // "13 "
}

TEST(Handshake, Rule69TheWordsMayBeWrittenInAnyCaseAndAmongOthers) {
  Upstream upstream(answers(k101 + kUpgrade + kAccept + "\r\n"));
  Wire wire;
  wire.route(upstream);
  for (const char* const fields :
       {"Connection: upgrade\r\nUpgrade: WebSocket\r\n",
        "CONNECTION: UPGRADE\r\nUPGRADE: WEBSOCKET\r\n",
        "Connection: keep-alive , Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade:websocket\r\n"}) {
    Peer client = wire.client();
    client.send(get("/user/a/ws", fields + kVersion + kKey));
    EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 101 ")) << fields;
  }
}

TEST(Handshake, Rule69OneThatDoesNotAskToBeSwitchedIsAnOrdinaryGet) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream);
  for (const char* const fields : {"Upgrade: websocket\r\n", "Connection: Upgrade\r\n",
                                   "Connection: Upgrade\r\nUpgrade: websockets\r\n",
                                   "Connection: Upgrade\r\nUpgrade: h2c\r\n"}) {
    const std::string answer =
        wire.ask(get("/user/a/ws", fields + kVersion + kKey + "Connection: close\r\n"));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 ")) << fields;
    EXPECT_THAT(answer, Not(HasSubstr("Upgrade:"))) << fields;
  }
}

TEST(Handshake, Rule69AnAnswerThatIsNoneIsRefused) {
  for (const std::string& answer :
       {k101 + kUpgrade, k101 + kAccept, k101 + "Upgrade: websocket\r\n" + kAccept,
        k101 + "Connection: Upgrade\r\n" + kAccept,
        k101 + "Connection: Upgrade\r\nUpgrade: h2c\r\n" + kAccept,
        k101 + kUpgrade + kAccept + kAccept,
        k101 + kUpgrade + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
        "HTTP/1.0 101 Switching Protocols\r\n" + kUpgrade + kAccept}) {
    Upstream upstream(answers(answer + "\r\n"));
    Wire wire;
    wire.route(upstream);
    EXPECT_THAT(wire.ask(good_handshake()), HasSubstr("reason=upstream-invalid")) << answer;
    EXPECT_EQ(wire.proxy->counters().tunnels_opened, 0U);
  }
}

TEST(Handshake, Rule70SubprotocolAndExtensionsPassDownUntouched) {
  const std::string chosen =
      "Sec-WebSocket-Protocol: v1.kernel.websocket.jupyter.org\r\n"
      "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10, x; a=\"b\"\r\n";
  Upstream upstream(answers(k101 + kUpgrade + kAccept + chosen + "\r\n"));
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(good_handshake("Sec-WebSocket-Protocol: v1.kernel.websocket.jupyter.org\r\n"));
  EXPECT_THAT(client.read_head(), HasSubstr(chosen));
}

TEST(Handshake, Rule72AClientsRstReachesTheUpstream) {
  std::atomic<bool> reset{false};
  Upstream upstream(answers(k101 + kUpgrade + kAccept + "\r\n", [&](Peer& peer, int) {
    peer.read_all();
    reset = peer.was_reset();
  }));
  Wire wire;
  wire.route(upstream);
  Peer client = open_tunnel(wire);
  client.send("some");
  client.reset();
  EXPECT_TRUE(eventually([&] { return reset.load(); }));
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().tunnels == 0; }));
}

// A server that fails a connection says why (a close frame) and closes while the client is still
// sending: the kernel makes a RST of it. What it said must arrive all the same.
TEST(Handshake, TheLastWordsBeforeARstArrive) {
  Upstream upstream(answers(k101 + kUpgrade + kAccept + "\r\n", [](Peer& peer, int) {
    peer.read_exactly(1);
    peer.send(std::string("\x88\x02\x03\xea", 4));
    peer.reset();
  }));
  Wire wire;
  wire.route(upstream);
  for (int round = 0; round < 50; ++round) {
    Peer client = open_tunnel(wire);
    for (int more = 0; more < 20 && client.send("more"); ++more) {
    }
    EXPECT_EQ(client.read_all(), std::string("\x88\x02\x03\xea", 4));
  }
}

TEST(Handshake, Rule74ATunnelThatIsNotReadHoldsNoMoreThanItsShare) {
  std::atomic<std::size_t> taken{0};
  std::atomic<bool> full{false};
  Upstream upstream(answers(k101 + kUpgrade + kAccept + "\r\n", [&](Peer& peer, int) {
    const std::string part(64U << 10U, 's');
    for (peer.small_window(64 << 10); taken < (64U << 20U); taken += part.size()) {
      full = true;
      if (!peer.send(part)) return;
      full = false;
    }
  }));
  Wire wire;
  wire.route(upstream);
  Peer client = open_tunnel(wire);
  std::size_t seen = 0;
  ASSERT_TRUE(eventually([&] {  // stuck in one and the same send
    const std::size_t before = std::exchange(seen, taken);
    std::this_thread::sleep_for(milliseconds(100));
    return full && before == taken && before != 0;
  }));
  EXPECT_LT(taken, 24U << 20U);  // kernel buffers, and one read of ours
  const std::uint64_t through = wire.proxy->counters().tunnels;
  EXPECT_EQ(through, 1U);
  std::size_t got = 0;
  for (std::string part = client.read_some(milliseconds(5000)); !part.empty();
       part = client.read_some(milliseconds(5000)))
    got += part.size();
  EXPECT_EQ(got, 64U << 20U);
}

}  // namespace
}  // namespace passerelle::proxy::wire
