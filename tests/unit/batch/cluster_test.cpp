// Cluster over a program that stands in for passerelle-submit: it writes down what it is asked, and
// says what a file says.
#include "spawners/batch/cluster.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/text.hpp"

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Orders are one line each; several run at once, and a short line is appended whole.
constexpr const char* kHelper = R"PY(#!/usr/bin/python3 -IS
import json, os, sys, time
here = os.path.dirname(os.path.abspath(sys.argv[0]))
order = json.load(sys.stdin)
verb = order["verb"]
def note(what):
    fd = os.open(here + "/seen", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, (json.dumps([what, verb, len(order.get("ids", [])), order.get("ids", [""])[0]]) + "\n").encode())
    os.close(fd)
note("begun")
if verb == "delete":
    time.sleep(1)
try:
    out = open(here + "/" + verb).read()
except OSError:
    out = ""
note("done")
print(json.dumps({"timed_out": False, "status": 0, "out": out, "err": "", "command": []}))
)PY";

class ClusterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = (std::filesystem::temp_directory_path() / "cluster-test.XXXXXX").string();
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    folder_ = path;
    std::filesystem::create_directory(folder_ + "/graves");
    write("helper", kHelper);
    ASSERT_EQ(chmod((folder_ + "/helper").c_str(), 0700), 0);
  }
  // A cluster that nobody wants anything of stops looking; nothing of it may outlive the loop.
  void TearDown() override {
    write("list", "{}");
    write("details", "{}");
    run_until([&] {
      if (cluster_.use_count() > 1) cluster_->look_soon();
      return cluster_.use_count() == 1;
    });
    cluster_.reset();
    std::filesystem::remove_all(folder_);
  }

  void write(const std::string& name, const std::string& text) const {
    const std::string passing = folder_ + "/." + name;
    std::ofstream(passing) << text;
    std::filesystem::rename(passing, folder_ + "/" + name);
  }
  void open(const Adapter& adapter) {
    config::BatchSpawner settings;
    settings.act_as = "self";
    settings.poll = seconds(1);
    settings.command_timeout = seconds(20);
    cluster_ = std::make_shared<Cluster>(loop_, adapter, settings, "passerelle-abcdef-",
                                         folder_ + "/helper", nullptr, folder_ + "/graves");
  }
  void run_until(const std::function<bool()>& done, seconds limit = seconds(60)) {
    const auto until = steady_clock::now() + limit;
    while (!done() && steady_clock::now() < until) {
      loop_.restart();
      loop_.run_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(done());
  }

  struct Call {
    std::string what;
    std::string verb;
    std::size_t ids = 0;
    std::string first;
  };
  std::vector<Call> calls() const {
    std::vector<Call> all;
    std::ifstream file(folder_ + "/seen");
    for (std::string line; std::getline(file, line);) {
      const json call = json::parse(line, nullptr, false);
      if (call.is_array()) all.push_back({call[0], call[1], call[2], call[3]});
    }
    return all;
  }
  std::size_t count(const std::string& what, const std::string& verb) const {
    const auto all = calls();
    return static_cast<std::size_t>(std::ranges::count_if(
        all, [&](const Call& call) { return call.what == what && call.verb == verb; }));
  }

  static std::string name_of(std::size_t n) {
    std::ostringstream out;
    out << "passerelle-abcdef-" << std::hex << (0x1000000000000000ULL + n);
    return out.str();
  }
  /// A line of squeue as slurm.cpp asks for it.
  static std::string waiting_in_slurm(std::size_t n) {
    return std::to_string(n) + "|PENDING||1800000000|N/A|Resources|alice|" + name_of(n) + "\n";
  }

  asio::io_context loop_;
  std::string folder_;
  std::shared_ptr<Cluster> cluster_;
};

TEST_F(ClusterTest, DeletesBesideTheLooksWithTwoOfFourHands) {
  json jobs = json::object();
  constexpr std::size_t kJobs = 8;
  for (std::size_t n = 1; n <= kJobs; ++n)
    jobs[std::to_string(n)] = {{"name", name_of(n)}, {"owner", "alice"}, {"state", "Running"}};
  write("list", jobs.dump());
  write("details", jobs.dump());
  open(oar());
  for (std::size_t n = 1; n <= kJobs; ++n)
    cluster_->bury(name_of(n), std::to_string(n), "alice", name_of(n).substr(18));
  run_until([&] { return count("begun", "delete") >= 2; });
  // somebody starts meanwhile: two hands are left
  bool acted = false;
  std::size_t deleted_before = 0;
  const auto act = [&]() -> Task<void> {
    json order = {{"verb", "log"}, {"launch", "0123456789abcdef"}};
    auto answer = co_await cluster_->act(std::move(order), "alice");
    acted = answer.has_value();
    deleted_before = count("done", "delete");
  };
  asio::co_spawn(loop_, act(), asio::detached);
  run_until([&] { return count("done", "delete") >= kJobs; });
  EXPECT_TRUE(acted);
  EXPECT_LT(deleted_before, kJobs);

  int at_once = 0;
  int most = 0;
  std::size_t looks_meanwhile = 0;
  for (const Call& call : calls()) {
    if (call.verb == "delete") at_once += call.what == "begun" ? 1 : -1;
    most = std::max(most, at_once);
    if (call.verb == "list" && call.what == "done" && at_once > 0) ++looks_meanwhile;
  }
  EXPECT_EQ(most, 2);
  EXPECT_GE(looks_meanwhile, 2U) << "deletions take " << kJobs / 2 << " s";
}

TEST_F(ClusterTest, AsksNoMoreAboutJobsThatTheListTells) {
  write("list", waiting_in_slurm(1) + waiting_in_slurm(2) + waiting_in_slurm(3));
  open(slurm());
  std::vector<Watch> watches;
  for (std::size_t n = 1; n <= 3; ++n)
    watches.push_back(cluster_->watch(name_of(n), std::to_string(n), "alice"));
  run_until([&] { return count("done", "list") >= 3; });
  ASSERT_TRUE(watches[0]->job);
  EXPECT_EQ(watches[0]->job->state, Job::State::queued);
  EXPECT_TRUE(watches[0]->job->predicted);
  EXPECT_EQ(count("begun", "details"), 0U);

  write("list", waiting_in_slurm(1) + waiting_in_slurm(3));
  run_until([&] { return count("done", "details") >= 1; });
  for (const Call& call : calls())
    if (call.verb == "details") {
      EXPECT_EQ(call.ids, 1U);
      EXPECT_EQ(call.first, "2");
    }
}

TEST_F(ClusterTest, AsksAboutAThousandJobsAtMostThoseThatAreMissingFirst) {
  json jobs = json::object();
  constexpr std::size_t kJobs = 1100;
  for (std::size_t n = 1; n < kJobs; ++n)
    jobs[std::to_string(n)] = {{"name", name_of(n)}, {"owner", "alice"}, {"state", "Waiting"}};
  write("list", jobs.dump());
  write("details", "{}");
  open(oar());
  std::vector<Watch> watches;
  for (std::size_t n = 1; n <= kJobs; ++n)
    watches.push_back(cluster_->watch(name_of(n), std::to_string(n), "alice"));
  run_until([&] { return count("done", "details") >= 1; });
  for (const Call& call : calls())
    if (call.verb == "details") {
      EXPECT_EQ(call.ids, 1000U);
      EXPECT_EQ(call.first, std::to_string(kJobs)) << "the one that is missing";
    }
}

TEST_F(ClusterTest, KeepsTheNodeThatAShortListDoesNotTell) {
  const json listed = {{"name", name_of(1)}, {"owner", "alice"}, {"state", "Launching"}};
  json full = listed;
  full.update(
      {{"startTime", 1800000000}, {"walltime", 300}, {"assigned_network_address", {"oarn1"}}});
  write("list", json{{"1", listed}}.dump());
  write("details", json{{"1", full}}.dump());
  open(oar());
  const Watch watch = cluster_->watch(name_of(1), "1", "alice");
  run_until([&] { return watch->job && watch->job->host == "oarn1"; });
  // It runs now; its end is known, its node is not: asked once more, and kept from then on.
  json running = listed;
  running["state"] = full["state"] = "Running";
  write("details", json{{"1", full}}.dump());
  write("list", json{{"1", running}}.dump());
  run_until(
      [&] { return watch->job->state == Job::State::running && watch->job->host == "oarn1"; });
  const std::size_t asked = count("begun", "details");
  const std::size_t looks = count("done", "list");
  run_until([&] { return count("done", "list") >= looks + 4; });
  EXPECT_EQ(watch->job->host, "oarn1");
  EXPECT_LE(count("begun", "details"), asked + 1);
}

}  // namespace
}  // namespace passerelle::spawners::batch
