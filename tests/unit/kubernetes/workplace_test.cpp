// The lock of a release: whoever holds the open file holds it, a child that outlives us included.
#include "spawners/kubernetes/workplace.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace passerelle::spawners::kubernetes {
namespace {

class WorkplaceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "workplace.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::string folder() const { return root_ + "/releases/labs_minilab-alice"; }

  std::string root_;
};

TEST_F(WorkplaceTest, IsForOneAtATime) {
  EXPECT_EQ(Workplace::taken(folder()), std::nullopt);
  {
    const auto first = Workplace::enter(folder());
    ASSERT_TRUE(first && *first);
    EXPECT_EQ(Workplace::taken(folder()), true);
    const auto second = Workplace::enter(folder());
    ASSERT_TRUE(second);
    EXPECT_FALSE(*second);
  }
  EXPECT_EQ(Workplace::taken(folder()), false);
}

TEST_F(WorkplaceTest, KeepsNoSecrets) {
  {
    const auto place = Workplace::enter(folder());
    ASSERT_TRUE(place && *place);
    std::ofstream((*place)->file("values.json")) << "secret";
  }
  EXPECT_FALSE(std::filesystem::exists(folder() + "/values.json"));
  std::ofstream(folder() + "/values.json") << "of a gateway that was killed";
  const auto again = Workplace::enter(folder());
  ASSERT_TRUE(again && *again);
  EXPECT_FALSE(std::filesystem::exists(folder() + "/values.json"));
}

TEST_F(WorkplaceTest, BelongsToTheChildTooThatHasTheFile) {
  pid_t child = 0;
  {
    const auto place = Workplace::enter(folder());
    ASSERT_TRUE(place && *place);
    child = ::fork();
    if (child == 0)
      for (;;) ::pause();
  }
  EXPECT_EQ(Workplace::taken(folder()), true);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(Workplace::taken(folder()), false);
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
