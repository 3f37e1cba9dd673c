// What goes wrong with a local server, one test each: it ends in its cause, and SpawnerHouse sees
// that nothing is left.
#include <fstream>

#include <arpa/inet.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/process.hpp"
#include "tests/contract/spawner/spawner_house.hpp"

namespace passerelle::spawners::tests {
namespace {

using ::testing::HasSubstr;

class SpawnerFault : public SpawnerHouse {
 protected:
  Diary diary;

  nlohmann::json started_record() const {
    const auto text = files::read(data_dir + "/run/" + launches.back() + "/started.json");
    return text ? nlohmann::json::parse(*text) : nlohmann::json();
  }
  /// Whether this machine lets us limit anything.
  bool limits_work(const std::string& controller) const {
    const auto record = started_record();
    return record.is_object() && record["cgroup"] != "none" &&
           record["not_limited"].dump().find(controller) == std::string::npos;
  }
  static void touch(const Upstream& upstream) {
    asio::io_context context;
    asio::local::stream_protocol::socket socket(context);
    boost::system::error_code error;
    socket.connect(asio::local::stream_protocol::endpoint(upstream.path), error);
  }
};

TEST_F(SpawnerFault, EatingTheMemoryLimitIsOutOfMemory) {
  settings.local.memory = 48U << 20U;
  auto spawner = make();
  auto probe = run(spawner->start(spec({"serve"}), diary));
  ASSERT_TRUE(probe) << probe.error().message();
  const bool limited = limits_work("memory");
  ASSERT_TRUE(run(spawner->stop(probe->state, StopMode::now)));
  if (!limited) GTEST_SKIP() << "no memory control group here";
  auto started = run(spawner->start(spec({"eat"}), diary));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::out_of_memory);
  EXPECT_EQ(started.error().exit_code(), 137);
}

TEST_F(SpawnerFault, ARunningServerThatEatsItsMemoryEndsInThatCause) {
  settings.local.memory = 48U << 20U;
  auto spawner = make();
  auto started = run(spawner->start(spec({"serve-then-eat"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  const bool limited = limits_work("memory");
  std::optional<Liveness> ended;
  if (limited) {
    touch(started->upstream);
    touch(started->upstream);
    auto waited = run(spawner->wait_for_end(started->state));
    if (waited) ended = *waited;
  }
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::now)));
  if (!limited) GTEST_SKIP() << "no memory control group here";
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->cause, Cause::out_of_memory);
}

/// Listens on the port that a starting server prints, before the server does.
class Thief final : public Progress {
 public:
  void step(std::string_view) override {}
  void log(std::string_view lines) override {
    const std::size_t at = lines.find("port ");
    if (at == std::string_view::npos || stolen >= most) return;
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(std::string(lines.substr(at + 5, 5)))));
    sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool bound =
        ::bind(sockets.back(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0;
    if (bound && ::listen(sockets.back(), 1) == 0) ++stolen;
  }
  Task<Result<void>> remember(State) override { co_return Result<void>(); }
  ~Thief() override {
    for (const int socket : sockets) ::close(socket);
  }
  std::vector<int> sockets;
  int stolen = 0;
  int most = 1;
};

TEST_F(SpawnerFault, AStolenPortIsLeftToTheThiefAndAnotherIsTaken) {
  auto spawner = make();
  Thief thief;
  auto started = run(spawner->start(spec({"slow", "1000"}, config::Transport::tcp), thief));
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_EQ(thief.stolen, 1);
  sockaddr_in name{};
  socklen_t size = sizeof(name);
  ::getsockname(thief.sockets.front(), reinterpret_cast<sockaddr*>(&name), &size);
  EXPECT_NE(started->upstream.port, ntohs(name.sin_port));
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::now)));
}

TEST_F(SpawnerFault, WhenEveryPortIsStolenTheLastOneIsNamed) {
  auto spawner = make();
  Thief thief;
  thief.most = 100;
  auto started = run(spawner->start(spec({"slow", "1000"}, config::Transport::tcp), thief));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::not_answering);
  EXPECT_EQ(thief.stolen, 4);
}

TEST_F(SpawnerFault, AStrangerOnTheSocketIsNotOurServer) {
  auto spawner = make();
  auto one = spec({"silent"});
  one.start_timeout = std::chrono::milliseconds(600);
  const std::string path = data_dir + "/run/" + one.launch_id + "/server/socket";
  asio::io_context context;
  asio::local::stream_protocol::acceptor stranger(context);
  class Squatter final : public Progress {
   public:
    Squatter(asio::local::stream_protocol::acceptor& acceptor, std::string where)
        : acceptor_(acceptor), path_(std::move(where)) {}
    void step(std::string_view) override {}
    void log(std::string_view) override {
      boost::system::error_code error;
      if (acceptor_.is_open()) return;
      acceptor_.open(asio::local::stream_protocol(), error);
      acceptor_.bind(asio::local::stream_protocol::endpoint(path_), error);
      acceptor_.listen(4, error);
    }
    Task<Result<void>> remember(State) override { co_return Result<void>(); }

   private:
    asio::local::stream_protocol::acceptor& acceptor_;
    std::string path_;
  } squatter(stranger, path);
  auto started = run(spawner->start(one, squatter));
  ASSERT_FALSE(started);
  EXPECT_TRUE(stranger.is_open());
  EXPECT_EQ(started.error().cause(), Cause::start_timeout);
}

TEST_F(SpawnerFault, AFullDiskIsAStorageProblem) {
  auto spawner = make();
  const std::string run_directory = data_dir + "/run";
  for (const char* inodes : {"nr_inodes=2", "nr_inodes=3", "nr_inodes=4", "nr_inodes=6"}) {
    if (::mount("tmpfs", run_directory.c_str(), "tmpfs", 0, inodes) != 0)
      GTEST_SKIP() << "may not mount";
    auto started = run(spawner->start(spec({"serve"}), diary));
    const bool empty = std::filesystem::is_empty(run_directory);
    ::umount(run_directory.c_str());
    ASSERT_FALSE(started) << inodes;
    EXPECT_EQ(started.error().cause(), Cause::storage_pending)
        << inodes << started.error().message();
    EXPECT_TRUE(empty) << inodes;
  }
}

TEST_F(SpawnerFault, AWorkspaceThatCannotBeMadeIsAStorageProblem) {
  std::ofstream(data_dir + "/workspaces") << "in the way";
  auto spawner = make();
  auto started = run(spawner->start(spec({"serve"}), diary));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::storage_pending);
  EXPECT_FALSE(diary.remembered) << "nothing was begun";
}

TEST_F(SpawnerFault, KernelsThatCleanedTheirEnvironmentEndToo) {
  auto spawner = make();
  auto started = run(spawner->start(spec({"clean-kernels"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  const auto waiting = [] {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const auto words = files::read(entry.path().string() + "/cmdline");
      if (words && *words == std::string("test-server\0wait\0", 17)) ++count;
    }
    return count;
  };
  EXPECT_TRUE(eventually([&] { return waiting() >= 2; }));
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
  EXPECT_EQ(waiting(), 0);
}

TEST_F(SpawnerFault, TheSupervisorEndsItsServerWhenItIsToldToEnd) {
  auto spawner = make();
  auto started = run(spawner->start(spec({"kernels"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  ::kill(started_record()["supervisor"]["pid"].get<pid_t>(), SIGTERM);
  auto ended = run(spawner->wait_for_end(started->state));
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_EQ(ended->kind, Liveness::Kind::ended);
  EXPECT_EQ(ended->cause, std::nullopt) << "ended on request";
  // The supervisor itself ends a moment after it has told so.
  EXPECT_TRUE(eventually([&] { return processes_of(launches.back()).empty(); }));
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
}

TEST_F(SpawnerFault, AServerWhoseSupervisorWasKilledIsAdopted) {
  auto spawner = make();
  auto started = run(spawner->start(spec({"kernels"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  ::kill(started_record()["supervisor"]["pid"].get<pid_t>(), SIGKILL);
  std::optional<Liveness::Kind> kind;
  EXPECT_TRUE(eventually([&] {
    auto alive = run(spawner->poll(started->state));
    if (alive) kind = alive->kind;
    return kind == Liveness::Kind::running;
  }));
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
}

TEST_F(SpawnerFault, TheEndOfAnAdoptedServerEndsItsKernels) {
  auto spawner = make();
  auto started = run(spawner->start(spec({"kernels"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  const auto record = started_record();
  ::kill(record["supervisor"]["pid"].get<pid_t>(), SIGKILL);
  ::kill(record["server"]["pid"].get<pid_t>(), SIGKILL);
  auto ended = run(spawner->wait_for_end(started->state));
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_EQ(ended->kind, Liveness::Kind::ended);
  EXPECT_EQ(ended->cause, Cause::crashed);
  EXPECT_EQ(ended->exit_code, std::nullopt);
  EXPECT_THAT(ended->log_tail, HasSubstr("test-server kernels"));
  EXPECT_TRUE(processes_of(launches.back()).empty());
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
}

TEST_F(SpawnerFault, ASupervisorThatHangsDoesNotKeepItsServer) {
  settings.local.stop = {seconds(0), seconds(0), seconds(1)};
  auto spawner = make();
  auto started = run(spawner->start(spec({"kernels"}), diary));
  ASSERT_TRUE(started) << started.error().message();
  ::kill(started_record()["supervisor"]["pid"].get<pid_t>(), SIGSTOP);
  auto polled = run(spawner->poll(started->state));
  ASSERT_TRUE(polled);
  EXPECT_EQ(polled->kind, Liveness::Kind::unknown) << "could not tell is not gone";
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
}

/// A record from before, whose pid belongs to somebody else by now.
class SpawnerRecord : public SpawnerFault {
 protected:
  State leave_record(pid_t pid, std::uint64_t start_time, const std::string& boot_id) {
    auto one = spec({"serve"});
    const std::string directory = data_dir + "/run/" + one.launch_id;
    std::filesystem::create_directories(directory);
    const nlohmann::json process = {{"pid", pid}, {"start_time", start_time}};
    const nlohmann::json record = {{"boot_id", boot_id},
                                   {"supervisor", process},
                                   {"server", process},
                                   {"cgroup", "none"},
                                   {"cgroup_paths", nlohmann::json::array()},
                                   {"not_limited", nlohmann::json::array()}};
    std::ofstream(directory + "/started.json") << record.dump();
    return nlohmann::json({{"launch_id", one.launch_id}, {"directory", directory}}).dump();
  }
  void SetUp() override {
    SpawnerFault::SetUp();
    stranger = ::fork();
    if (stranger == 0) {
      for (;;) ::pause();
    }
  }
  void TearDown() override {
    ::kill(stranger, SIGKILL);
    int status = 0;
    ::waitpid(stranger, &status, 0);
    SpawnerFault::TearDown();
  }
  bool stranger_lives() const { return ::waitpid(stranger, nullptr, WNOHANG) == 0; }
  pid_t stranger = 0;
};

TEST_F(SpawnerRecord, AStrangerWithTheSamePidIsNeverSignalled) {
  auto spawner = make();
  const std::uint64_t later = process::start_time(stranger).value_or(0) - 1;
  const State state = leave_record(stranger, later, process::boot_id());
  auto polled = run(spawner->poll(state));
  ASSERT_TRUE(polled);
  EXPECT_EQ(polled->kind, Liveness::Kind::ended);
  EXPECT_EQ(polled->cause, Cause::crashed);
  auto waited = run(spawner->wait_for_end(state));
  ASSERT_TRUE(waited);
  EXPECT_EQ(waited->kind, Liveness::Kind::ended);
  ASSERT_TRUE(run(spawner->stop(state, StopMode::gentle)));
  EXPECT_TRUE(stranger_lives());
}

TEST_F(SpawnerRecord, AfterARestartOfTheMachineTheNodeWasLost) {
  auto spawner = make();
  const State state = leave_record(stranger, process::start_time(stranger).value_or(0),
                                   "00000000-0000-0000-0000-000000000000");
  auto polled = run(spawner->poll(state));
  ASSERT_TRUE(polled);
  EXPECT_EQ(polled->cause, Cause::node_lost);
  ASSERT_TRUE(run(spawner->stop(state, StopMode::now)));
  EXPECT_TRUE(stranger_lives());
}

TEST_F(SpawnerRecord, AStateThatPointsElsewhereTouchesNothing) {
  auto spawner = make();
  for (const char* state : {"", "{}", R"({"launch_id":"../../../../etc"})", R"({"launch_id":7})"}) {
    EXPECT_FALSE(run(spawner->stop(state, StopMode::now))) << state;
    EXPECT_FALSE(run(spawner->poll(state))) << state;
    EXPECT_FALSE(run(spawner->wait_for_end(state))) << state;
  }
}

TEST_F(SpawnerFault, ALaunchIdIsNeverUsedTwice) {
  auto spawner = make();
  auto one = spec({"serve"});
  auto started = run(spawner->start(one, diary));
  ASSERT_TRUE(started) << started.error().message();
  auto again = run(spawner->start(one, diary));
  ASSERT_FALSE(again);
  auto alive = run(spawner->poll(started->state));
  ASSERT_TRUE(alive);
  EXPECT_EQ(alive->kind, Liveness::Kind::running) << "the first one is not ours to undo";
  ASSERT_TRUE(run(spawner->stop(started->state, StopMode::now)));
}

}  // namespace
}  // namespace passerelle::spawners::tests
