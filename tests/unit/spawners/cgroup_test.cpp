// Over a directory that looks like /sys/fs/cgroup; the real one is in tests/fault/spawner.
#include "spawners/local/cgroup.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/files.hpp"

namespace passerelle::spawners::local {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class CgroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/passerelle-cgroup-XXXXXX";
    root = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(root); }

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }
  Cgroup make(const ResourceLimits& limits) {
    return Cgroup::make("passerelle-1", limits, not_limited, root, root + "/own");
  }

  std::string root;
  std::vector<std::string> not_limited;
};

TEST_F(CgroupTest, NoneWhereThereIsNothing) {
  const auto group = make({100, 1, 10});
  EXPECT_EQ(group.kind(), "none");
  EXPECT_THAT(not_limited, ElementsAre("memory", "pids", "cpu"));
  EXPECT_TRUE(group.members().empty());
  EXPECT_TRUE(group.remove());
}

TEST_F(CgroupTest, VersionTwoBesideTheLeafOfTheGateway) {
  write("/cgroup.controllers", "memory pids cpu\n");
  write("/own", "0::/site/passerelle.service/gateway\n");
  write("/site/passerelle.service/gateway/x", "");
  write("/site/passerelle.service/passerelle-1/memory.max", "max");
  write("/site/passerelle.service/passerelle-1/cpu.max", "max");
  const auto group = make({4096, 1.5, 10});
  EXPECT_EQ(group.kind(), "v2");
  const std::string path = root + "/site/passerelle.service/passerelle-1";
  EXPECT_THAT(group.paths(), ElementsAre(path));
  EXPECT_EQ(*files::read(path + "/memory.max"), "4096");
  EXPECT_EQ(*files::read(path + "/cpu.max"), "150000 100000");
  EXPECT_THAT(not_limited, ElementsAre("pids")) << "what could not be set is named";
}

TEST_F(CgroupTest, VersionOneControllerByController) {
  write("/own", "4:memory:/outer\n3:pids:/\n");
  write("/memory/outer/passerelle-1/memory.limit_in_bytes", "x");
  write("/pids/passerelle-1/pids.max", "x");
  const auto group = make({4096, 0, 10});
  EXPECT_EQ(group.kind(), "v1");
  EXPECT_THAT(group.paths(), UnorderedElementsAre(root + "/memory/outer/passerelle-1",
                                                  root + "/pids/passerelle-1"));
  EXPECT_EQ(*files::read(root + "/memory/outer/passerelle-1/memory.limit_in_bytes"), "4096");
  EXPECT_TRUE(not_limited.empty());
}

TEST_F(CgroupTest, CountsAndMembersAreRead) {
  write("/g/memory.events", "low 0\noom 4\noom_kill 2\noom_group_kill 0\n");
  write("/g/pids.events", "max 7\n");
  write("/g/cgroup.procs", "12\n345\n12\n");
  const Cgroup group("v2", {root + "/g"});
  EXPECT_EQ(group.counts().oom_kills, 2U);
  EXPECT_EQ(group.counts().pids_limit_hits, 7U);
  EXPECT_THAT(group.members(), ElementsAre(12, 345));
}

}  // namespace
}  // namespace passerelle::spawners::local
