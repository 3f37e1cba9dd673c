// A relay and clients at a wormhole, over its sockets.
#include "spawners/batch/wormhole.hpp"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secrets.hpp"

namespace passerelle::spawners::batch {
namespace {

using namespace std::chrono_literals;

/// A Unix socket's client with a limit of five seconds for everything.
class Peer {
 public:
  explicit Peer(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const timeval limit{8, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Peer() { end(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connected() const { return connected_; }
  void say(std::string_view text) const {
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t count = ::send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
      if (count <= 0) return;
      done += static_cast<std::size_t>(count);
    }
  }
  /// Exactly that many bytes, or fewer at the end.
  std::string hear(std::size_t count) const {
    std::string text(count, '\0');
    std::size_t have = 0;
    while (have < count) {
      const ssize_t got = ::recv(fd_, text.data() + have, count - have, 0);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
  }
  std::string head() const {
    std::string text;
    while (!text.ends_with("\r\n\r\n")) {
      const std::string byte = hear(1);
      if (byte.empty()) break;
      text += byte;
    }
    return text;
  }
  void finish() const { ::shutdown(fd_, SHUT_WR); }
  void end() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  bool connected_ = false;
};

class WormholeTest : public testing::Test {
 protected:
  WormholeTest() {
    std::string path = testing::TempDir() + "hole-XXXXXX";
    folder_ = ::mkdtemp(path.data());
    hole_ = std::make_unique<Wormhole>(folder_, [this] {
      const std::lock_guard lock(mutex_);
      ++came_;
      changed_.notify_all();
    });
  }
  ~WormholeTest() override {
    hole_.reset();
    std::filesystem::remove_all(folder_);
  }

  void open() { ASSERT_TRUE(hole_->open(kLaunch, secrets::sha256_hex(kKey))); }
  bool wait_for_relay(int count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 8s, [&] { return came_ >= count; });
  }
  std::unique_ptr<Peer> relay(const std::string& key = kKey, const std::string& launch = kLaunch) {
    auto made = std::make_unique<Peer>(hole_->entrance());
    made->say("GET /hub/wormhole/aa/" + launch +
              " HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              "X-Passerelle-Key: " +
              key + "\r\n\r\n");
    return made;
  }
  std::unique_ptr<Peer> welcome_relay() {
    auto made = relay();
    EXPECT_TRUE(made->head().starts_with("HTTP/1.1 101 "));
    return made;
  }

  static inline const std::string kLaunch = "0123456789abcdef";
  static inline const std::string kKey = "the key";
  std::string folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int came_ = 0;
  std::unique_ptr<Wormhole> hole_;
};

TEST_F(WormholeTest, ListensOnlyWhenOpened) {
  EXPECT_FALSE(Peer(hole_->entrance()).connected());
  open();
  EXPECT_TRUE(Peer(hole_->entrance()).connected());
  EXPECT_TRUE(Peer(hole_->socket_of(kLaunch)).connected());
  EXPECT_FALSE(hole_->reachable(kLaunch));
}

TEST_F(WormholeTest, CarriesBytesBothWaysAndTheEndOfEachSide) {
  open();
  const auto far = welcome_relay();
  ASSERT_TRUE(wait_for_relay());
  EXPECT_TRUE(hole_->reachable(kLaunch));
  const Peer client(hole_->socket_of(kLaunch));
  ASSERT_EQ(far->hear(1), "s");
  far->say("s");
  const std::string much(3U << 20U, 'x');
  std::jthread sender([&] {
    client.say(much);
    client.finish();
  });
  EXPECT_EQ(far->hear(much.size() + 1), much) << "and its end is seen";
  far->say("answer");
  far->end();
  EXPECT_EQ(client.hear(100), "answer");
}

TEST_F(WormholeTest, RelaysWithoutTheKeyAreRefused) {
  open();
  EXPECT_TRUE(relay("another")->head().starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(relay(kKey, "0000000000000000")->head().starts_with("HTTP/1.1 403 "));
  const Peer nonsense(hole_->entrance());
  nonsense.say("\r\n\r\n");
  EXPECT_TRUE(nonsense.head().starts_with("HTTP/1.1 400 "));
  EXPECT_FALSE(hole_->reachable(kLaunch));
}

TEST_F(WormholeTest, ALaunchHasSoManyThatWait) {
  open();
  std::vector<std::unique_ptr<Peer>> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(welcome_relay());
  EXPECT_TRUE(relay()->head().starts_with("HTTP/1.1 503 "));
}

TEST_F(WormholeTest, WhoCannotBeServedIsLetGo) {
  open();
  const Peer client(hole_->socket_of(kLaunch));
  EXPECT_EQ(client.hear(1), "") << "after a few seconds";
}

TEST_F(WormholeTest, ARelayThatIsGoneIsPassedOver) {
  open();
  const auto good = welcome_relay();
  ASSERT_TRUE(wait_for_relay());
  welcome_relay()->end();
  const Peer client(hole_->socket_of(kLaunch));
  std::string word;
  while ((word = good->hear(1)) == "p") good->say("p");
  ASSERT_EQ(word, "s");
  good->say("s");
  good->say("hello");
  EXPECT_EQ(client.hear(5), "hello");
}

TEST_F(WormholeTest, AWaitingClientGetsTheRelayThatComes) {
  open();
  const Peer client(hole_->socket_of(kLaunch));
  ASSERT_TRUE(client.connected());
  const auto far = welcome_relay();
  ASSERT_EQ(far->hear(1), "s");
  far->say("sgreetings");
  EXPECT_EQ(client.hear(9), "greetings");
}

TEST_F(WormholeTest, IsUnreachableOnceNoRelayAnswers) {
  open();
  auto far = welcome_relay();
  ASSERT_TRUE(wait_for_relay());
  EXPECT_EQ(far->hear(1), "p") << "asked now and then";
  far->end();
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (hole_->reachable(kLaunch) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(hole_->reachable(kLaunch));
}

TEST_F(WormholeTest, ClosedItIsGone) {
  open();
  const auto far = welcome_relay();
  hole_->close(kLaunch);
  std::string last;
  while ((last = far->hear(1)) == "p") {
  }
  EXPECT_EQ(last, "") << "the relay is told by the end";
  EXPECT_TRUE(relay()->head().starts_with("HTTP/1.1 403 "));
  EXPECT_FALSE(std::filesystem::exists(hole_->socket_of(kLaunch)));
}

TEST_F(WormholeTest, AnotherProcessTakesItsPlace) {
  open();
  const auto idle = welcome_relay();
  const auto used = welcome_relay();
  const Peer client(hole_->socket_of(kLaunch));
  std::string word;
  while ((word = used->hear(1)) == "p") used->say("p");
  used->say("s");
  Wormhole next(folder_, [] {});
  ASSERT_TRUE(next.open(kLaunch, secrets::sha256_hex(kKey)));
  while ((word = idle->hear(1)) == "p") idle->say("p");
  EXPECT_EQ(word, "") << "it shall come to the other one";
  used->say("still here");
  EXPECT_EQ(client.hear(10), "still here");
  EXPECT_TRUE(relay()->head().starts_with("HTTP/1.1 101 ")) << "by the new one";
}

}  // namespace
}  // namespace passerelle::spawners::batch
