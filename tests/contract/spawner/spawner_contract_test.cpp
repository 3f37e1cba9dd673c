// What every spawner must do, whatever it runs servers on.
#include <cstring>
#include <fstream>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/contract/spawner/spawner_house.hpp"

namespace passerelle::spawners::tests {
namespace {

template <class Socket, class Endpoint>
std::string exchange(asio::io_context& loop, const Endpoint& endpoint) {
  boost::system::error_code error;
  Socket socket(loop);
  socket.connect(endpoint, error);
  if (error) return error.message();
  asio::write(socket, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: test\r\n\r\n")), error);
  std::string answer;
  asio::read(socket, asio::dynamic_buffer(answer), error);
  return answer;
}

std::string answer_of(const Upstream& upstream) {
  asio::io_context loop;
  if (upstream.kind == Upstream::Kind::unix_socket) {
    const asio::local::stream_protocol::endpoint endpoint(upstream.path);
    return exchange<asio::local::stream_protocol::socket>(loop, endpoint);
  }
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(upstream.host), upstream.port);
  return exchange<asio::ip::tcp::socket>(loop, endpoint);
}

class SpawnerContract : public SpawnerHouse,
                        public ::testing::WithParamInterface<config::Transport> {
 protected:
  ServerSpec launch(std::vector<std::string> mode) { return spec(std::move(mode), GetParam()); }
  std::unique_ptr<Spawner> spawner;
  Diary diary;

  void SetUp() override {
    SpawnerHouse::SetUp();
    spawner = make();
    ASSERT_TRUE(spawner);
  }
};

TEST_P(SpawnerContract, AStartedServerAnswersAtItsAddress) {
  auto started = run(spawner->start(launch({"serve"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_NE(answer_of(started->upstream).find("200 OK"), std::string::npos);
  EXPECT_EQ(diary.steps, (std::vector<std::string>{"prepare", "spawn", "listen"}));
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
}

TEST_P(SpawnerContract, TheStateIsRememberedAndIsEnoughForAnotherSpawner) {
  auto started = run(spawner->start(launch({"serve"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_EQ(diary.remembered, started->state);
  auto other = make();
  auto alive = run(other->poll(started->state));
  ASSERT_TRUE(alive);
  EXPECT_EQ(alive->kind, Liveness::Kind::running);
  EXPECT_EQ(alive->upstream, started->upstream);
  auto found = run(other->found());
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().first, launches.front());
  EXPECT_EQ(found->front().second, started->state);
  ASSERT_TRUE(run(other->stop(started->state, StopMode::gentle)));
}

TEST_P(SpawnerContract, StoppingTwiceIsSuccessAndLeavesNothingFound) {
  auto started = run(spawner->start(launch({"serve"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::now)));
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
  auto found = run(spawner->found());
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->empty());
  auto dead = run(spawner->poll(started->state));
  ASSERT_TRUE(dead);
  EXPECT_EQ(dead->kind, Liveness::Kind::ended);
}

TEST_P(SpawnerContract, AServerThatEndsAtOnceIsReportedAtOnce) {
  const auto before = std::chrono::steady_clock::now();
  auto started = run(spawner->start(launch({"exit", "3"}), diary));
  ASSERT_FALSE(started);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  EXPECT_EQ(started.error().cause(), Cause::crashed);
  EXPECT_EQ(started.error().exit_code(), 3);
  EXPECT_NE(started.error().log_tail().find("a reason to end"), std::string::npos);
}

TEST_P(SpawnerContract, AMissingProgramIsNamed) {
  auto one = launch({});
  one.profile.command = {"no-such-notebook"};
  auto started = run(spawner->start(one, diary));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::crashed);
  EXPECT_EQ(started.error().exit_code(), 127);
  EXPECT_NE(started.error().message().find("no-such-notebook: command not found"),
            std::string::npos);
}

TEST_P(SpawnerContract, AServerThatNeverListensTimesOut) {
  auto one = launch({"silent"});
  one.start_timeout = std::chrono::milliseconds(400);
  auto started = run(spawner->start(one, diary));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::start_timeout);
  EXPECT_NE(started.error().log_tail().find("test-server silent"), std::string::npos);
}

TEST_P(SpawnerContract, AServerOnAnotherPortIsToldSo) {
  auto one = launch({"wrong-port"});
  one.start_timeout = std::chrono::milliseconds(600);
  auto started = run(spawner->start(one, diary));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::not_answering);
  EXPECT_NE(started.error().message().find("listens on port"), std::string::npos);
}

TEST_P(SpawnerContract, TheEndOfAServerIsTold) {
  auto started = run(spawner->start(launch({"serve-then-exit", "5"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  std::optional<Result<Liveness>> ended;
  const auto body = [&]() -> Task<void> {
    ended = co_await spawner->wait_for_end(started->state);
    loop.stop();
  };
  loop.restart();
  asio::co_spawn(loop, body(), asio::detached);
  (void)answer_of(
      started
          ->upstream);  // one more than it takes, whether or not the spawner itself has connected
  (void)answer_of(started->upstream);
  loop.run_for(std::chrono::seconds(20));
  ASSERT_TRUE(ended && *ended);
  EXPECT_EQ((*ended)->kind, Liveness::Kind::ended);
  EXPECT_EQ((*ended)->exit_code, 5);
  EXPECT_EQ((*ended)->cause, Cause::crashed);
  auto polled = run(spawner->poll(started->state));
  ASSERT_TRUE(polled);
  EXPECT_EQ(polled->exit_code, 5);
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
}

TEST_P(SpawnerContract, KernelsDoNotSurviveTheirServer) {
  auto started = run(spawner->start(launch({"kernels"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  const auto all_there = [&] { return processes_of(launches.front()).size() >= 8; };
  EXPECT_TRUE(eventually(all_there)) << "supervisor, server, three kernels and a child of each";
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
  EXPECT_TRUE(processes_of(launches.front()).empty());
}

TEST_P(SpawnerContract, AServerDeafToSignalsIsKilledInTime) {
  settings.local.stop = {seconds(1), seconds(1), seconds(5)};
  spawner = make();
  auto started = run(spawner->start(launch({"deaf"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, std::chrono::milliseconds(1900));
  EXPECT_LT(took, std::chrono::seconds(6));
}

TEST_P(SpawnerContract, CancellingAStartLeavesNothing) {
  for (const int after : {0, 1, 3, 10, 30, 100}) {
    Diary pages;
    auto cancelled = run(with_timeout(spawner->start(launch({"slow", "5000"}), pages),
                                      std::chrono::milliseconds(after), "the start"));
    ASSERT_FALSE(cancelled);
    EXPECT_TRUE(processes_of(launches.back()).empty()) << "cancelled after " << after << " ms";
    auto found = run(spawner->found());
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->empty()) << "cancelled after " << after << " ms";
  }
}

TEST_P(SpawnerContract, SecretsAreInNoArgumentAndNoLog) {
  auto one = launch({"serve"});
  auto started = run(spawner->start(one, diary));
  ASSERT_TRUE(started) << started.error().message();
  for (const pid_t pid : processes_of(one.launch_id)) {
    const auto arguments = files::read("/proc/" + std::to_string(pid) + "/cmdline");
    ASSERT_TRUE(arguments);
    EXPECT_EQ(arguments->find(one.secret), std::string::npos);
  }
  EXPECT_EQ(started->state.find(one.secret), std::string::npos);
  EXPECT_NE(diary.printed.find("test-server serve"), std::string::npos);
  EXPECT_EQ(diary.printed.find(one.secret), std::string::npos)
      << "the test server prints it on purpose";
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::now)));
}

INSTANTIATE_TEST_SUITE_P(Local,
                         SpawnerContract,
                         ::testing::Values(config::Transport::unix_socket, config::Transport::tcp),
                         [](const auto& each) {
                           return each.param == config::Transport::tcp ? "tcp" : "unix_socket";
                         });

}  // namespace
}  // namespace passerelle::spawners::tests
