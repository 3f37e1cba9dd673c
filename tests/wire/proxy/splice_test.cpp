// Long bodies that pass through a pipe: each byte and each border where it was, whoever stops in
// the middle, and no pipe left behind.
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kLong = 12U << 20U;  // more than the buffers of four sockets
constexpr milliseconds kPatience(20'000);

/// No two places of it look alike, so that a lost or doubled byte is seen.
std::string long_body(std::size_t size = kLong) {
  std::string body(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : body) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return body;
}

std::string head_of(std::size_t length) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

std::string post(std::size_t length) {
  return "POST /user/a/x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) +
         "\r\n\r\n";
}

/// Ends of pipes that this process, proxy included, has open. Not those of the standard streams:
/// the log opens the one behind stderr once more with its first line.
int open_pipes() {
  std::error_code gone;
  std::set<std::string> standard;
  for (const char* const fd : {"0", "1", "2"})
    standard.insert(std::filesystem::read_symlink(std::string("/proc/self/fd/") + fd, gone));
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const std::string target = std::filesystem::read_symlink(entry, gone).string();
    if (target.starts_with("pipe:") && !standard.contains(target)) ++count;
  }
  return count;
}

class Splice : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(open_pipes(), before_) << "the proxy is gone, pipes are not";
  }
  bool pipes_are_out(int count) {
    return eventually([=, this] { return open_pipes() == before_ + 2 * count; });
  }

  const std::string body_ = long_body();

 private:
  const int before_ = open_pipes();
};

/// Answers each request with `body`.
Upstream::Script say(const std::string& body) {
  return [&body](Peer& peer, int) {
    while (peer.read_head().ends_with("\r\n\r\n")) peer.send(head_of(body.size()) + body);
  };
}

TEST_F(Splice, ALongAnswerArrivesByteForByteAndTheNextOneBehindIt) {
  for (const Upstream::Kind kind : {Upstream::Kind::tcp, Upstream::Kind::unix_socket}) {
    Upstream upstream(say(body_), kind);
    Wire wire;
    wire.route(upstream);
    Peer client = wire.client();
    client.send(get("/user/a/1") + get("/user/a/2"));
    for (int answer = 0; answer < 2; ++answer) {
      EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200 "));
      EXPECT_TRUE(client.read_exactly(kLong, kPatience) == body_);
    }
    EXPECT_EQ(upstream.connections(), 1);
    EXPECT_TRUE(eventually([&] { return wire.proxy->counters().bytes_out == 2 * kLong; }));
  }
}

TEST_F(Splice, ALongBodyGoesUpByteForByteAndTheNextRequestBehindIt) {
  for (const Upstream::Kind kind : {Upstream::Kind::tcp, Upstream::Kind::unix_socket}) {
    Upstream upstream(
        [this](Peer& peer, int) {
          while (peer.read_head().ends_with("\r\n\r\n"))
            peer.send(ok(peer.read_exactly(kLong, kPatience) == body_ ? "same" : "other"));
        },
        kind);
    Wire wire;
    wire.route(upstream);
    Peer client = wire.client();
    const std::string request = post(kLong) + body_;
    ASSERT_TRUE(client.send(request + request));
    for (int answer = 0; answer < 2; ++answer) {
      EXPECT_THAT(client.read_head(), HasSubstr("Content-Length: 4\r\n"));
      EXPECT_EQ(client.read_exactly(4), "same");
    }
    EXPECT_EQ(upstream.connections(), 1);
  }
}

TEST_F(Splice, ASlowReaderHoldsOnePipeAndLosesNothing) {
  Upstream upstream(say(body_));
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.small_window(64 << 10);
  client.send(get("/user/a/"));
  client.read_head();
  ASSERT_TRUE(pipes_are_out(1));  // this is what shows that it went through one
  EXPECT_TRUE(client.read_exactly(kLong, kPatience) == body_);
  EXPECT_TRUE(pipes_are_out(0));  // and those that nobody wants are closed
}

TEST_F(Splice, ASlowUpstreamHoldsOnePipeAndLosesNothing) {
  std::atomic<bool> go_on{false};
  Upstream upstream([&](Peer& peer, int) {
    peer.small_window(64 << 10);
    peer.read_head();
    eventually([&] { return go_on.load(); });
    peer.send(ok(peer.read_exactly(kLong, kPatience) == body_ ? "same" : "other"));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  std::thread sender([&] { client.send(post(kLong) + body_); });
  EXPECT_TRUE(pipes_are_out(1));
  go_on = true;
  sender.join();
  EXPECT_THAT(client.read_until("same", kPatience), EndsWith("\r\n\r\nsame"));
}

TEST_F(Splice, MoreSlowReadersThanPipesAreServedAll) {
  constexpr int kReaders = 40;
  constexpr int kPipes = 32;
  Upstream upstream(say(body_));
  Wire wire;
  wire.route(upstream);
  std::vector<Peer> clients;
  for (int reader = 0; reader < kReaders; ++reader) {
    clients.push_back(wire.client());
    clients.back().small_window(64 << 10);
    clients.back().send(get("/user/a/"));
    clients.back().read_head();
  }
  EXPECT_TRUE(pipes_are_out(kPipes));
  for (Peer& client : clients) {
    EXPECT_TRUE(client.read_exactly(kLong, kPatience) == body_);
    client.close();
  }
}

TEST_F(Splice, AnAnswerCutInTheMiddleIsNoEnd) {
  Upstream upstream([this](Peer& peer, int) {
    peer.read_head();
    peer.send(head_of(kLong) + body_.substr(0, kLong / 2));
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(get("/user/a/"));
  client.read_head();
  const std::string got = client.read_all(kPatience);
  EXPECT_TRUE(client.was_reset());
  EXPECT_TRUE(body_.starts_with(got));
}

TEST_F(Splice, AClientThatVanishesTakesItsPipeAlong) {
  std::atomic<bool> ended{false};
  Upstream upstream([&](Peer& peer, int) {
    peer.read_head();
    peer.send(head_of(kLong) + body_);
    ended = true;
  });
  Wire wire;
  const auto route = wire.route(upstream);
  Peer client = wire.client();
  client.small_window(64 << 10);
  client.send(get("/user/a/"));
  ASSERT_TRUE(pipes_are_out(1));
  client.reset();
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
  EXPECT_TRUE(eventually([&] { return route->in_flight == 0; }));
}

TEST_F(Splice, AnUpstreamThatVanishesTakesItsPipeAlong) {
  Upstream upstream([](Peer& peer, int) {
    peer.small_window(64 << 10);
    peer.read_head();
    peer.read_exactly(1U << 20U, kPatience);
    peer.reset();
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send(post(kLong));
  client.send(body_);
  client.read_all(kPatience);
}

TEST_F(Splice, AnAnswerUpToTheCloseReachesAnOldClientWhole) {
  Upstream upstream([this](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.0 200 OK\r\n\r\n" + body_);
  });
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  client.send("GET /user/a/ HTTP/1.0\r\nHost: h\r\n\r\n");
  client.read_head();
  EXPECT_TRUE(client.read_all(kPatience) == body_);
}

TEST_F(Splice, ARemovedRouteCutsWhatIsUnderWayAndNobodyMeetsItsBytes) {
  Upstream upstream(say(body_));
  Wire wire;
  const auto route = wire.route(upstream);
  Peer client = wire.client();
  client.small_window(64 << 10);
  client.send(get("/user/a/"));
  ASSERT_TRUE(pipes_are_out(1));
  wire.gate.routes.remove("/user/a/");
  ASSERT_TRUE(eventually([&] { return route->in_flight == 0; }));
  client.read_all(kPatience);
  EXPECT_TRUE(client.was_reset());
  wire.route(upstream);
  Peer next = wire.client();  // meets none of the bytes that were for the other
  next.send(get("/user/a/"));
  next.read_head();
  EXPECT_TRUE(next.read_exactly(kLong, kPatience) == body_);
}

}  // namespace
}  // namespace passerelle::proxy::wire
