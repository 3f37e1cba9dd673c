// One proxy takes over from another one: connections that wait, connections that are kept, heads
// that are half there, tunnels. Here both live in one process; tests/fault/gateway/upgrade_test.py
// has two.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/tls_peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TestHub::Answer says(const std::string& word) {
  return [word](HubRequest request, std::shared_ptr<HubReply> reply) {
    HubResponse response;
    response.body = word + " " + request.path + " peer=" + request.peer + " " + request.scheme;
    reply->send(std::move(response));
  };
}

ProxySettings with_threads(std::uint32_t threads) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.threads = threads;
  return settings;
}

class HandOver : public ::testing::Test {
 protected:
  explicit HandOver(std::uint32_t threads = 2) : first(with_threads(threads)) {
    first.hub.answer_with(says("first"));
    hub.answer_with(says("second"));
  }
  ~HandOver() override {
    if (second) second->stop(seconds(0));
  }

  Endpoint relayed(bool secure) const {
    Endpoint endpoint;
    endpoint.address = folder / (secure ? "secure.sock" : "plain.sock");
    endpoint.relayed = true;
    endpoint.secure = secure;
    return endpoint;
  }
  std::shared_ptr<const Route> to(const Endpoint& endpoint) const {
    auto route = std::make_shared<Route>();
    route->prefix = "/";
    route->upstream.kind = passerelle::Upstream::Kind::unix_socket;
    route->upstream.path = endpoint.address;
    return route;
  }
  std::vector<ListeningSockets> copies() const {
    std::vector<ListeningSockets> all = first.proxy->sockets();
    for (ListeningSockets& one : all)
      for (int& fd : one.fds) fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return all;
  }
  /// After first.proxy->hold().
  void take_over(std::uint32_t threads = 1) {
    ProxySettings settings = with_threads(threads);
    settings.endpoints.push_back(relayed(false));
    settings.endpoints.push_back(relayed(true));
    second = std::make_unique<Proxy>(std::move(settings), gate, hub);
    ASSERT_TRUE(second->open(copies()));
    first.proxy->hand_over({to(relayed(false)), to(relayed(true))});
    ASSERT_TRUE(second->start());
  }

  Folder folder;
  Wire first;
  TestGate gate;
  TestHub hub;
  std::unique_ptr<Proxy> second;
};

std::string one_answer(Peer& peer) {
  const std::string head = peer.read_head();
  const std::size_t at = head.find("Content-Length: ");
  if (at == std::string::npos) return head;
  return head + peer.read_exactly(std::stoul(head.substr(at + 16)));
}

TEST_F(HandOver, AKeptConnectionIsServedByTheNextOneAndClosedInGoodOrder) {
  Peer kept = first.client();
  kept.send(get("/hub/a"));
  EXPECT_THAT(one_answer(kept), HasSubstr("first /hub/a"));
  first.proxy->hold();
  kept.send(get("/hub/b"));
  take_over();
  const std::string answer = one_answer(kept);
  EXPECT_THAT(answer, HasSubstr("second /hub/b peer=127.0.0.1 http"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_TRUE(kept.ended());
  EXPECT_FALSE(kept.was_reset());
}

TEST_F(HandOver, AnIdleConnectionIsNotClosedUntilItAsks) {
  Peer kept = first.client();
  kept.send(get("/hub/a"));
  one_answer(kept);
  first.proxy->hold();
  take_over();
  EXPECT_EQ(kept.read_some(milliseconds(100)), "");
  EXPECT_FALSE(kept.was_reset());
  kept.send(get("/hub/late"));
  EXPECT_THAT(one_answer(kept), HasSubstr("second /hub/late"));
}

TEST_F(HandOver, EveryQueueIsAcceptedFromWhateverTheNumberOfThreads) {
  first.proxy->hold();
  std::vector<Peer> waiting;
  for (int at = 0; at < 40; ++at) {
    waiting.push_back(first.client());
    waiting.back().send(get("/hub/"));
  }
  take_over(1);
  for (Peer& peer : waiting) EXPECT_THAT(one_answer(peer), HasSubstr("second /hub/"));
  EXPECT_EQ(second->port(), first.proxy->port());
}

TEST_F(HandOver, MoreThreadsThanBefore) {
  first.proxy->hold();
  take_over(4);
  for (int at = 0; at < 40; ++at) {
    Peer peer = Peer::connect(second->port());
    peer.send(get("/hub/"));
    EXPECT_THAT(one_answer(peer), HasSubstr("second /hub/"));
  }
}

TEST_F(HandOver, AHeadThatWasHalfThereArrivesWhole) {
  Peer peer = first.client();
  peer.send("GET /hub/half HTTP/1.1\r\nHo");
  ASSERT_TRUE(eventually([&] { return first.proxy->counters().connections == 1; }));
  first.proxy->hold();
  take_over();
  peer.send("st: x\r\n\r\n");
  EXPECT_THAT(one_answer(peer), HasSubstr("second /hub/half"));
}

TEST_F(HandOver, NothingHappensWhenItIsCalledOff) {
  Peer kept = first.client();
  kept.send(get("/hub/a"));
  one_answer(kept);
  first.proxy->hold();
  kept.send(get("/hub/b"));
  Peer fresh = first.client();
  fresh.send(get("/hub/c"));
  first.proxy->go_on();
  EXPECT_THAT(one_answer(kept), HasSubstr("first /hub/b"));
  EXPECT_THAT(one_answer(fresh), HasSubstr("first /hub/c"));
}

TEST_F(HandOver, WhatTheOldHubDoesNotAnswerAnyMoreMayBeAskedAgain) {
  std::shared_ptr<HubReply> kept;
  std::atomic<bool> came{false};
  first.hub.answer_with([&](HubRequest, std::shared_ptr<HubReply> reply) {
    kept = std::move(reply);
    came = true;
  });
  Peer peer = first.client();
  peer.send(get("/hub/slow"));
  ASSERT_TRUE(eventually([&] { return came.load(); }));
  first.proxy->hold();
  take_over();
  kept.reset();
  const std::string answer = one_answer(peer);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1"));
}

TEST_F(HandOver, ATunnelLivesOnAndEndsWithItsRoute) {
  Upstream server([](Peer& peer, int) {
    peer.read_head();
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    for (std::string got = peer.read_exactly(4); !got.empty(); got = peer.read_exactly(4))
      peer.send(got);
  });
  const auto route = first.route(server);
  Peer peer = first.client();
  peer.send(get("/user/a/ws",
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  ASSERT_THAT(peer.read_head(), StartsWith("HTTP/1.1 101 "));
  first.proxy->hold();
  take_over();
  peer.send("ping");
  EXPECT_EQ(peer.read_exactly(4), "ping");
  route->closed = true;
  EXPECT_TRUE(peer.ended() || peer.was_reset());
  EXPECT_TRUE(eventually([&] { return first.proxy->counters().connections == 0; }));
}

}  // namespace
}  // namespace passerelle::proxy::wire
