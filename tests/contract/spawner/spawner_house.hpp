// SpawnerHouse: what every spawner test stands in. A loop, workers, a data directory of its own, a
// spawner over the test server, and the question whether anything of a launch is left on the
// machine.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/files.hpp"
#include "base/secrets.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::tests {

inline const std::string kTestServer = std::string(BUILD_DIR) + "/tests/test-server";

/// Remembers what it was told.
class Diary final : public Progress {
 public:
  void step(std::string_view name) override { steps.emplace_back(name); }
  void log(std::string_view lines) override { printed += lines; }
  Task<Result<void>> remember(State state) override {
    remembered = std::move(state);
    co_return Result<void>();
  }

  std::vector<std::string> steps;
  std::string printed;
  std::optional<State> remembered;
};

/// Processes that carry the launch's mark in their environment.
inline std::vector<pid_t> processes_of(const std::string& launch_id) {
  std::vector<pid_t> found;
  const std::string mark = '\0' + ("PASSERELLE_LAUNCH=" + launch_id) + '\0';
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto environment = files::read(entry.path().string() + "/environ");
    if (environment && ('\0' + *environment).find(mark) != std::string::npos)
      found.push_back(std::stoi(name));
  }
  return found;
}

/// Directories of control groups named after the launch.
inline std::vector<std::string> groups_of(const std::string& launch_id) {
  std::vector<std::string> found;
  std::error_code error;
  const auto skip = std::filesystem::directory_options::skip_permission_denied;
  for (std::filesystem::recursive_directory_iterator at("/sys/fs/cgroup", skip, error), end;
       !error && at != end; at.increment(error))
    if (at->path().filename() == "passerelle-" + launch_id) found.push_back(at->path().string());
  return found;
}

/// Looks again until it is true, at most ten seconds.
template <class Condition>
bool eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < until) {
    if (condition()) return true;
    ::usleep(2000);
  }
  return condition();
}

class SpawnerHouse : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/passerelle-spawner-XXXXXX";
    data_dir = ::mkdtemp(pattern.data());
    settings.name = "here";
    settings.type = "local";
    settings.local.stop = {seconds(5), seconds(5), seconds(5)};
  }

  void TearDown() override {
    for (const auto& id : launches) {
      EXPECT_TRUE(processes_of(id).empty()) << "processes of " << id << " are left";
      EXPECT_TRUE(groups_of(id).empty()) << "control groups of " << id << " are left";
    }
    const auto run = data_dir + "/run";
    if (std::filesystem::exists(run)) {
      EXPECT_TRUE(std::filesystem::is_empty(run)) << "a launch's directory is left";
    }
    std::filesystem::remove_all(data_dir);
  }

  std::unique_ptr<Spawner> make() {
    const Surroundings around{
        .loop = loop, .workers = workers, .data_dir = data_dir, .program_dir = BUILD_DIR};
    auto made = make_spawner(settings, around);
    EXPECT_TRUE(made) << (made ? "" : made.error().message());
    return made ? std::move(*made) : nullptr;
  }

  /// A launch of the test server in one of its modes.
  ServerSpec spec(std::vector<std::string> mode,
                  config::Transport transport = config::Transport::unix_socket) {
    ServerSpec one;
    one.launch_id = secrets::random_hex(8);
    one.username = "alice";
    one.base_path = "/user/alice/";
    one.secret = secrets::random_token();
    one.profile.name = "test";
    one.profile.command = std::move(mode);
    one.profile.command.insert(one.profile.command.begin(), kTestServer);
    one.profile.transport = transport;
    one.data_dir = data_dir;
    one.start_timeout = std::chrono::seconds(20);
    launches.push_back(one.launch_id);
    return one;
  }

  template <class T>
  Result<T> run(Task<Result<T>> task) {
    std::optional<Result<T>> outcome;
    const auto body = [&]() -> Task<void> {
      outcome = co_await std::move(task);
      loop.stop();
    };
    loop.restart();
    asio::co_spawn(loop, body(), asio::detached);
    loop.run_for(std::chrono::seconds(60));
    if (!outcome) return Error(Errc::timeout, "the test waited 60 s");
    return std::move(*outcome);
  }

  std::string data_dir;
  config::Spawner settings;
  asio::io_context loop;
  WorkerPool workers{2};
  std::vector<std::string> launches;
};

}  // namespace passerelle::spawners::tests
