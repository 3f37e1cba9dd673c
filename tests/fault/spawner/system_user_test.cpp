// A server that runs as a system user. Needs root; makes no user: the order names the numbers of
// "games", which every Debian has, and a workspace in the test's own directory.
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "spawners/environment.hpp"
#include "spawners/local/control.hpp"
#include "spawners/local/launch.hpp"
#include "tests/contract/spawner/spawner_house.hpp"

namespace passerelle::spawners::tests {
namespace {

using namespace local;

class SystemUserTest : public SpawnerHouse {
 protected:
  void SetUp() override {
    SpawnerHouse::SetUp();
    const passwd* games = ::getpwnam("games");
    if (::geteuid() != 0 || games == nullptr) GTEST_SKIP() << "needs root and a user called games";
    who = RunAs{games->pw_uid, games->pw_gid, {games->pw_gid}};
    ::chmod(data_dir.c_str(), 0711);
    workspace = data_dir + "/home";
    ::mkdir(workspace.c_str(), 0700);
    ASSERT_EQ(::chown(workspace.c_str(), who.uid, who.gid), 0);
    ::mkdir((data_dir + "/run").c_str(), 0711);
  }

  static std::string line_of(pid_t pid, const std::string& name) {
    const auto status = files::read("/proc/" + std::to_string(pid) + "/status");
    if (!status) return {};
    const std::size_t at = status->find("\n" + name + ":");
    return status->substr(at + 1, status->find('\n', at + 1) - at - 1);
  }

  RunAs who;
  std::string workspace;
};

TEST_F(SystemUserTest, RunsWithExactlyTheUsersRightsInTheirHome) {
  const auto one = spec({"serve"});
  const Place place{data_dir + "/run/" + one.launch_id};
  ASSERT_TRUE(make_place(place, who));
  auto spawned =
      spawn_supervisor(std::string(BUILD_DIR) + "/passerelle-supervisor", one.launch_id, place);
  ASSERT_TRUE(spawned) << spawned.error().message();
  Order order;
  order.launch_id = one.launch_id;
  order.directory = place.directory;
  order.command = one.profile.command;
  order.workspace = workspace;
  order.socket = place.socket();
  order.run_as = who;
  Surrounding where;
  where.home = workspace;
  where.socket = order.socket;
  order.environment = *environment_for(one, where);
  Line line(loop.get_executor());
  ASSERT_TRUE(line.adopt(std::move(spawned->socket)));
  ASSERT_TRUE(run(line.send(encode(order))));
  nlohmann::json event = nlohmann::json::object();
  while (event.value("event", "") != "listening" && event.value("event", "") != "ended") {
    auto next = run(line.next());
    ASSERT_TRUE(next) << next.error().message();
    event = *next;
  }
  ASSERT_EQ(event["event"], "listening") << event.dump();
  const pid_t pid = event["pid"].get<pid_t>();
  const std::string uid = "\t" + std::to_string(who.uid);
  const std::string gid = "\t" + std::to_string(who.gid);
  EXPECT_EQ(line_of(pid, "Uid"), "Uid:" + uid + uid + uid + uid);
  EXPECT_EQ(line_of(pid, "Gid"), "Gid:" + gid + gid + gid + gid);
  EXPECT_EQ(line_of(pid, "Groups"), "Groups:" + gid + " ");
  EXPECT_EQ(line_of(pid, "CapEff"), "CapEff:\t0000000000000000");
  EXPECT_EQ(line_of(pid, "Umask"), "Umask:\t0077");
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/cwd"), workspace);
  struct stat about{};
  ASSERT_EQ(::stat(place.control().c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, 0U);
  EXPECT_EQ(about.st_mode & 0777U, 0600U) << "its user must not reach the supervisor";
  int open_files = 0;
  for (const auto& file :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
    open_files += std::stoi(file.path().filename().string()) >= 0 ? 1 : 0;
  EXPECT_EQ(open_files, 4) << "input, output, error and its own listener, nothing of ours";
  auto spawner = make();
  const State state = nlohmann::json({{"launch_id", one.launch_id}}).dump();
  ASSERT_TRUE(run(spawner->stop(state, StopMode::gentle)));
  ::waitpid(spawned->pid, nullptr, 0);
}

}  // namespace
}  // namespace passerelle::spawners::tests
