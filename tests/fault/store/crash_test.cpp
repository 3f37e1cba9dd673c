// What was acknowledged is there afterwards: after kill -9, and after a power cut that loses what
// was not synced.
#include <csignal>
#include <cstring>
#include <set>

#include <sys/wait.h>
#include <unistd.h>

#include "store_fault.hpp"

namespace passerelle::store {
namespace {

/// Puts servers "0", "1", ... of `user` without end; `acknowledged` hears of each that returned.
Task<void> put_without_end(Store& store,
                           User user,
                           std::string prefix,
                           std::function<bool(std::string)> acknowledged) {
  for (int i = 0;; ++i) {
    ServerRecord record;
    record.user = user.id;
    record.name = prefix + std::to_string(i);
    record.detail = std::string(static_cast<std::size_t>(i * 37 % 3000), 'd');
    const std::string name = record.name;
    const Result<void> put = co_await store.servers().put(std::move(record));
    if (!put || !acknowledged(name)) co_return;
  }
}

class Crash : public StoreFault {
 protected:
  /// In the child: writes until it is killed, and says on `pipe` what was acknowledged.
  [[noreturn]] void write_until_killed(int pipe, int round) {
    if (!open("")) ::_exit(1);
    const User user = enter("alice");
    const auto tell = [pipe](const std::string& name) {
      char line[32] = {};
      std::strncpy(line, name.c_str(), sizeof line - 1);
      return ::write(pipe, line, sizeof line) == sizeof line;
    };
    for (int lane = 0; lane < 4; ++lane)
      asio::co_spawn(
          loop_,
          put_without_end(*store_, user, std::to_string(round) + "." + std::to_string(lane) + ".",
                          tell),
          asio::detached);
    run();
    ::_exit(2);
  }

  std::set<std::string> names() {
    std::set<std::string> found;
    const auto all = wait(store_->servers().all());
    EXPECT_TRUE(all);
    if (all)
      for (const ServerRecord& record : *all) found.insert(record.name);
    return found;
  }
};

TEST_F(Crash, KillNineTwentyTimes) {
  std::set<std::string> acknowledged;
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(ends[1], round);
    ::close(ends[1]);
    char line[32];
    for (int heard = 0; ::read(ends[0], line, sizeof line) == sizeof line; ++heard) {
      acknowledged.insert(line);
      if (heard == 5 + round)
        ::kill(child, SIGKILL);  // then what it still managed to say is drained
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
  }
  ASSERT_TRUE(open(""));
  const std::set<std::string> found = names();
  EXPECT_GE(acknowledged.size(), 20U * 5U);
  EXPECT_TRUE(std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()));
}

/// Names of the servers in the files of a power cut, or what SQLite says of them.
std::string read_after_cut(const std::string& path, std::set<std::string>& found) {
  try {
    sqlite::Database database(path, sqlite::Database::Access::read_write, "");
    database.execute("PRAGMA synchronous=OFF");  // these files are only looked at
    sqlite::Query check(database, "PRAGMA integrity_check");
    check.next();
    if (const std::string words = check.text(); words != "ok") return words;
    sqlite::Query names(database, "SELECT name FROM servers");
    while (names.next()) found.insert(names.text());
    return "ok";
  } catch (const SQLite::Exception& thrown) {
    return thrown.what();
  }
}

TEST_F(Crash, FiveHundredPowerCuts) {
  ASSERT_TRUE(open(FailingDisk::kVfs));
  const User user = enter("alice");
  std::mt19937 random(20261122);
  std::set<std::string> acknowledged;
  int cuts = 0;
  int bad = 0;
  std::size_t next_cut = 1;
  const auto on_acknowledged = [&](const std::string& name) {
    acknowledged.insert(name);
    if (acknowledged.size() < next_cut) return cuts < 500;
    next_cut = acknowledged.size() + 1 + random() % 6;
    const std::filesystem::path after = folder_ / "after";
    std::filesystem::create_directory(after);
    FailingDisk::the().cut_power(after.string(),
                                 random);  // the writer goes on meanwhile: any moment of its work
    std::set<std::string> found;
    const std::string words = read_after_cut((after / "store.sqlite").string(), found);
    const bool whole =
        std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end());
    EXPECT_TRUE(words == "ok" && whole)
        << "cut " << cuts << ": " << words << ", " << found.size() << " of " << acknowledged.size();
    bad += words == "ok" && whole ? 0 : 1;
    std::filesystem::remove_all(after);
    return ++cuts < 500 && bad < 5;
  };
  for (int lane = 0; lane < 8; ++lane)
    asio::co_spawn(loop_,
                   put_without_end(*store_, user, std::to_string(lane) + ".", on_acknowledged),
                   asio::detached);
  run();
  EXPECT_GE(cuts, 500);
}

}  // namespace
}  // namespace passerelle::store
