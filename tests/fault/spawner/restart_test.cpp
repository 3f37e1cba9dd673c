// The gateway is killed at any moment of a start; a new one finds what there is, adopts what runs,
// and ends the rest.
#include <random>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <signal.h>
#include <sys/wait.h>

#include "tests/contract/spawner/spawner_house.hpp"

namespace passerelle::spawners::tests {
namespace {

class SpawnerRestart : public SpawnerHouse {
 protected:
  /// A process that starts the server and then only waits; its end of the world is SIGKILL.
  pid_t another_gateway(const ServerSpec& one) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    asio::io_context its_loop;
    WorkerPool its_workers(2);
    const Surroundings around{
        .loop = its_loop, .workers = its_workers, .data_dir = data_dir, .program_dir = BUILD_DIR};
    auto spawner = make_spawner(settings, around);
    Diary diary;
    const auto body = [&]() -> Task<void> {
      const auto started = co_await (*spawner)->start(one, diary);
      if (!started) ::_exit(1);
    };
    asio::co_spawn(its_loop, body(), asio::detached);
    const auto stay = asio::make_work_guard(its_loop);
    its_loop.run();
    ::_exit(0);
  }

  static void kill_hard(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
};

TEST_F(SpawnerRestart, AKilledGatewayLeavesNothingThatItsSuccessorDoesNotFind) {
  std::mt19937 random(20261122);
  std::uniform_int_distribution<useconds_t> moment(0, 40'000);
  auto spawner = make();
  int adopted = 0;
  for (int round = 0; round < 50; ++round) {
    const auto one = spec({"slow", "10"});
    const pid_t gateway = another_gateway(one);
    ::usleep(moment(random));  // the moment of the crash, not a wait for something
    kill_hard(gateway);
    auto found = run(spawner->found());
    ASSERT_TRUE(found);
    ASSERT_LE(found->size(), 1U);
    if (found->empty()) {
      EXPECT_TRUE(processes_of(one.launch_id).empty()) << "round " << round;
      continue;
    }
    const State state = found->front().second;
    auto alive = run(spawner->poll(state));
    ASSERT_TRUE(alive);
    if (alive->kind == Liveness::Kind::running) ++adopted;
    ASSERT_TRUE(run(spawner->stop(state, StopMode::now))) << "round " << round;
    ASSERT_TRUE(processes_of(one.launch_id).empty()) << "round " << round;
  }
  RecordProperty("adopted", adopted);
}

TEST_F(SpawnerRestart, ARunningServerIsAdoptedWithItsAddressAndItsEnd) {
  const auto one = spec({"serve-then-exit", "7"});
  const pid_t gateway = another_gateway(one);
  auto spawner = make();
  std::optional<Liveness> alive;
  State state;
  EXPECT_TRUE(eventually([&] {
    auto found = run(spawner->found());
    if (!found || found->empty()) return false;
    state = found->front().second;
    auto polled = run(spawner->poll(state));
    if (polled) alive = *polled;
    return alive && alive->upstream.has_value();
  }));
  kill_hard(gateway);
  ASSERT_TRUE(alive && alive->upstream);
  EXPECT_EQ(alive->upstream->path, data_dir + "/run/" + one.launch_id + "/server/socket");
  asio::local::stream_protocol::socket last(loop);
  boost::system::error_code error;
  last.connect(asio::local::stream_protocol::endpoint(alive->upstream->path), error);
  EXPECT_FALSE(error);
  auto ended = run(spawner->wait_for_end(state));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_code, 7) << "known although the gateway that started it is dead";
  ASSERT_TRUE(run(spawner->stop(state, StopMode::gentle)));
}

}  // namespace
}  // namespace passerelle::spawners::tests
