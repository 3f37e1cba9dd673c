// The real Jupyter server: it starts on its socket, answers only with its secret, is adopted, and
// its kernel goes with it.
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <sys/wait.h>

#include "tests/contract/spawner/spawner_house.hpp"

namespace passerelle::spawners::tests {
namespace {

class JupyterTest : public SpawnerHouse, public ::testing::WithParamInterface<const char*> {
 protected:
  ServerSpec jupyter() {
    auto one = spec({});
    one.profile.command = {GetParam()};
    one.start_timeout = std::chrono::seconds(60);
    return one;
  }

  static std::string ask(const Upstream& upstream, const std::string& head) {
    asio::io_context context;
    asio::local::stream_protocol::socket socket(context);
    boost::system::error_code error;
    socket.connect(asio::local::stream_protocol::endpoint(upstream.path), error);
    const std::string request =
        head + "Host: 127.0.0.1:8000\r\nOrigin: http://127.0.0.1:8000\r\n\r\n";
    asio::write(socket, asio::buffer(request), error);
    std::string answer;
    asio::read_until(socket, asio::dynamic_buffer(answer), "\r\n", error);
    return answer.substr(0, answer.find('\r'));
  }
};

TEST_P(JupyterTest, StartsAnswersIsAdoptedAndLeavesNoKernel) {
  if (std::system((std::string("command -v ") + GetParam() + " >/dev/null").c_str()) != 0)
    GTEST_SKIP() << GetParam() << " is not installed";
  auto spawner = make();
  Diary diary;
  const auto one = jupyter();
  auto before = std::chrono::steady_clock::now();
  auto started = run(spawner->start(one, diary));
  const auto ready = std::chrono::steady_clock::now() - before;
  ASSERT_TRUE(started) << started.error().message() << started.error().log_tail();
  const std::string with_secret = "Authorization: token " + one.secret + "\r\n";
  const std::string kernels = "/user/alice/api/kernels HTTP/1.1\r\n";
  EXPECT_EQ(ask(started->upstream, "GET " + kernels), "HTTP/1.1 403 Forbidden");
  EXPECT_EQ(ask(started->upstream, "GET " + kernels + with_secret), "HTTP/1.1 200 OK");
  EXPECT_EQ(ask(started->upstream, "POST " + kernels + "Content-Length: 0\r\n" + with_secret),
            "HTTP/1.1 201 Created");
  EXPECT_EQ(ask(started->upstream,
                "GET /user/alice/terminals/websocket/1 HTTP/1.1\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"),
            "HTTP/1.1 403 Forbidden");
  EXPECT_GE(processes_of(one.launch_id).size(), 3U) << "supervisor, server, kernel";
  auto other = make();
  auto alive = run(other->poll(started->state));
  ASSERT_TRUE(alive);
  EXPECT_EQ(alive->upstream, started->upstream);
  EXPECT_EQ(diary.printed.find(one.secret), std::string::npos);
  before = std::chrono::steady_clock::now();
  ASSERT_TRUE(run(other->stop(started->state, StopMode::gentle)));
  const auto stopped = std::chrono::steady_clock::now() - before;
  EXPECT_TRUE(processes_of(one.launch_id).empty());
  const auto in_ms = [](auto time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  };
  std::printf("%s: ready after %ld ms, stopped after %ld ms\n", GetParam(), in_ms(ready),
              in_ms(stopped));
}

INSTANTIATE_TEST_SUITE_P(Real,
                         JupyterTest,
                         ::testing::Values("jupyter-server", "jupyter-notebook"),
                         [](const auto& each) {
                           return std::string(each.param) == "jupyter-server" ? "server"
                                                                              : "notebook";
                         });

}  // namespace
}  // namespace passerelle::spawners::tests
