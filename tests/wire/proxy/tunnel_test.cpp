// After 101: bytes both ways, half-close, the ends of a tunnel, and what counts as activity.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// RFC 6455, 1.3: the key of its example and the answer to it.
constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr const char* kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

std::string upgrade(const std::string& fields = {}) {
  return get("/user/a/api/kernels/1/channels?session_id=x",
             "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
             "13\r\nSec-WebSocket-Key: " +
                 std::string(kKey) + "\r\n" + fields);
}

std::string switched(const std::string& accept = kAccept) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Accept: " +
         accept + "\r\n\r\n";
}

Upstream::Script echo_after_101() {
  return [](Peer& peer, int) {
    peer.read_head();
    peer.send(switched());
    for (std::string bytes = peer.read_some(milliseconds(10'000)); !bytes.empty();
         bytes = peer.read_some(milliseconds(10'000)))
      peer.send(bytes);
  };
}

Peer open_tunnel(Wire& wire) {
  Peer client = wire.client();
  client.send(upgrade());
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 101 "));
  return client;
}

TEST(Tunnel, Rule69TheHandshakePassesWithItsFields) {
  std::string seen;
  Upstream upstream([&](Peer& peer, int) {
    seen = peer.read_head();
    peer.send(switched());
    peer.read_all();
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(
      upgrade("Sec-WebSocket-Protocol: v1.kernel.websocket.jupyter.org, other\r\n"
              "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
  const std::string head = client.read_head();
  client.close();
  upstream.stop();
  EXPECT_THAT(head, HasSubstr(std::string("Sec-WebSocket-Accept: ") + kAccept));
  EXPECT_THAT(head, HasSubstr("Upgrade: websocket\r\n"));
  EXPECT_THAT(seen, HasSubstr("Upgrade: websocket\r\n"));
  EXPECT_THAT(seen, HasSubstr("Connection: Upgrade\r\n"));
  EXPECT_THAT(seen,
              HasSubstr("Sec-WebSocket-Protocol: v1.kernel.websocket.jupyter.org, other\r\n"));
  EXPECT_THAT(seen, HasSubstr("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
}

TEST(Tunnel, Rule69AWrongAcceptIsNoHandshake) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(switched("AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    peer.read_all();
  });
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(upgrade()), HasSubstr("reason=upstream-invalid"));
}

TEST(Tunnel, ARefusedUpgradeIsAnOrdinaryAnswer) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    peer.send(ok(peer.read_head()));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(upgrade());
  EXPECT_THAT(client.read_until("\r\n\r\nno"), StartsWith("HTTP/1.1 403 "));
  client.send(get("/user/a/next"));
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST(Tunnel, Rule56A101NobodyAskedForIsRefused) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(switched());
    peer.read_all();
  });
  Wire wire;
  wire.route(upstream);
  EXPECT_THAT(wire.ask(get("/user/a/")), HasSubstr("reason=upstream-invalid"));
}

TEST(Tunnel, Rule71BytesInTheSamePacketsAsTheHandshakePass) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(switched() + "greeting");
    peer.send("got " + peer.read_exactly(5));
    peer.read_all();
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(upgrade() + "early");
  client.read_head();
  EXPECT_EQ(client.read_exactly(17), "greetinggot early");
}

TEST(Tunnel, Rule72AHalfCloseLeavesTheOtherDirectionOpen) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(switched());
    const std::string all = peer.read_all();
    peer.send("after the end: " + all);
  });
  Wire wire;
  wire.route(upstream);
  Peer client = open_tunnel(wire);
  client.send("last words");
  client.half_close();
  EXPECT_EQ(client.read_all(), "after the end: last words");
  EXPECT_FALSE(client.was_reset());
}

TEST(Tunnel, Rule72ARstOnOneSideIsOneOnTheOther) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(switched());
    peer.read_exactly(1);
    peer.reset();
  });
  Wire wire;
  wire.route(upstream);
  Peer client = open_tunnel(wire);
  client.send("x");
  client.read_all();
  EXPECT_TRUE(client.was_reset());
}

TEST(Tunnel, Rule73ATenMebibyteMessageComesBackWhole) {
  Upstream upstream(echo_after_101());
  Wire wire;
  wire.route(upstream);
  Peer client = open_tunnel(wire);
  std::string message(10U << 20U, '\0');
  for (std::size_t at = 0; at < message.size(); ++at)
    message[at] = static_cast<char>(at * 31 >> 3U);
  std::thread sender([&] { client.send(message); });
  std::string back;
  while (back.size() < message.size()) {
    const std::string part = client.read_some(milliseconds(20'000));
    if (part.empty()) break;
    back += part;
  }
  sender.join();
  EXPECT_TRUE(back == message) << back.size();
}

TEST(Tunnel, AClosedRouteCutsItsTunnels) {
  Upstream upstream(echo_after_101());
  Wire wire;
  const auto route = wire.route(upstream);
  Peer client = open_tunnel(wire);
  EXPECT_EQ(route->in_flight, 1);
  const auto began = std::chrono::steady_clock::now();
  wire.gate.routes.remove("/user/a/");
  EXPECT_TRUE(client.ended());
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(2));
  EXPECT_TRUE(eventually([&] { return route->in_flight == 0; }));
}

TEST(Tunnel, AClosedRouteCutsATunnelThatNeverRests) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(switched());
    const std::string flood(1U << 20U, 'f');
    while (peer.send(flood)) {
    }
  });
  Wire wire;
  wire.route(upstream);
  Peer client = open_tunnel(wire);
  client.read_exactly(4U << 20U);
  wire.gate.routes.remove("/user/a/");
  const auto until = std::chrono::steady_clock::now() + seconds(5);
  while (!client.read_some(milliseconds(1000)).empty() &&
         std::chrono::steady_clock::now() < until) {
  }
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().tunnels == 0; }));
}

TEST(Tunnel, ASilentTunnelEndsByItsOwnLimit) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.tunnel_timeout = seconds(1);
  settings.limits.idle_timeout = seconds(1000);
  Upstream upstream(echo_after_101());
  Wire wire(settings);
  wire.route(upstream);
  Peer client = open_tunnel(wire);
  EXPECT_TRUE(client.ended());
}

TEST(Tunnel, APongAloneIsNoActivityButAMessageIs) {
  std::atomic<std::size_t> arrived{0};
  Upstream upstream([&](Peer& peer, int) {
    peer.read_head();
    peer.send(switched());
    for (std::string bytes = peer.read_some(milliseconds(10'000)); !bytes.empty();
         bytes = peer.read_some(milliseconds(10'000)))
      arrived += bytes.size();
  });
  Wire wire;
  const auto route = wire.route(upstream);
  Peer client = open_tunnel(wire);
  route->last_activity = 1;
  client.send(std::string("\x8a\x80\1\2\3\4", 6));
  ASSERT_TRUE(eventually([&] { return arrived == 6; }));
  EXPECT_EQ(route->last_activity, 1);
  client.send(std::string("\x81\x81\1\2\3\4A", 7));
  EXPECT_TRUE(eventually([&] { return route->last_activity > 1; }));
}

TEST(Tunnel, AStopCutsTunnelsAtTheEndOfItsTime) {
  Upstream upstream(echo_after_101());
  Wire wire;
  wire.route(upstream);
  Peer client = open_tunnel(wire);
  std::thread stopping([&] { wire.proxy->stop(seconds(1)); });
  client.send("still");
  EXPECT_EQ(client.read_exactly(5), "still");
  stopping.join();
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(wire.proxy->counters().tunnels, 0U);
}

TEST(Tunnel, ManyTunnelsOpenAndCloseWithoutLeavingAnything) {
  Upstream upstream(echo_after_101());
  Wire wire;
  const auto route = wire.route(upstream);
  open_tunnel(wire).close();
  ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  const int before = open_descriptors();
  for (int round = 0; round < 5; ++round) {
    std::vector<Peer> clients;
    for (int at = 0; at < 50; ++at) clients.push_back(open_tunnel(wire));
    for (Peer& client : clients) {
      client.send("ping");
      EXPECT_EQ(client.read_exactly(4), "ping");
    }
    EXPECT_EQ(wire.proxy->counters().tunnels, 50U);
    clients.clear();
    ASSERT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
  }
  EXPECT_EQ(route->in_flight, 0);
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }));
}

}  // namespace
}  // namespace passerelle::proxy::wire
