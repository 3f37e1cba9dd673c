#include "spawners/local/account.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace passerelle::spawners::local {
namespace {

class AccountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/passerelle-account-XXXXXX";
    data_dir = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(data_dir); }

  SystemUser user() const { return {"alice", data_dir, "/bin/bash", 4242, 4242, {4242}}; }
  config::LocalSpawner settings;
  std::string data_dir;
};

TEST_F(AccountTest, OwnUserModeMakesAPrivateWorkspacePerPerson) {
  const auto account = account_for(settings, "alice", data_dir);
  ASSERT_TRUE(account) << account.error().message();
  EXPECT_EQ(account->workspace, data_dir + "/workspaces/alice");
  EXPECT_EQ(account->home, account->workspace);
  EXPECT_FALSE(account->run_as);
  struct stat about{};
  ASSERT_EQ(::stat(account->workspace.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0700U);
}

TEST_F(AccountTest, ANameNeverLeavesItsDirectory) {
  const auto account = account_for(settings, "../../etc", data_dir);
  ASSERT_TRUE(account);
  EXPECT_EQ(std::filesystem::path(account->workspace).parent_path().string(),
            data_dir + "/workspaces");
}

TEST_F(AccountTest, AWorkspaceThatIsAFileOrALinkIsRefused) {
  std::filesystem::create_directories(data_dir + "/workspaces");
  std::ofstream(data_dir + "/workspaces/file") << "x";
  std::filesystem::create_directory_symlink("/tmp", data_dir + "/workspaces/link");
  for (const char* name : {"file", "link"}) {
    const auto refused = account_for(settings, name, data_dir);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().cause(), Cause::storage_pending);
  }
}

TEST_F(AccountTest, AnotherOnesWorkspaceIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a directory away";
  std::filesystem::create_directories(data_dir + "/workspaces/bob");
  ASSERT_EQ(::chown((data_dir + "/workspaces/bob").c_str(), 4242, 4242), 0);
  const auto refused = account_for(settings, "bob", data_dir);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause(), Cause::storage_pending);
}

TEST_F(AccountTest, ASystemUserNeedsAHomeOfTheirOwn) {
  auto one = user();
  EXPECT_EQ(account_of(one).error().cause(), Cause::storage_pending) << "not theirs";
  one.home = data_dir + "/missing";
  EXPECT_EQ(account_of(one).error().cause(), Cause::storage_pending);
  one.home = data_dir;
  one.uid = ::geteuid() == 0 ? 4242 : ::geteuid();
  ASSERT_EQ(::chown(data_dir.c_str(), one.uid, ::geteuid() == 0 ? 4242 : ::getegid()), 0);
  const auto account = account_of(one);
  ASSERT_TRUE(account) << account.error().message();
  ASSERT_TRUE(account->run_as);
  EXPECT_EQ(account->run_as->uid, one.uid);
}

TEST_F(AccountTest, TheSuperuserAndClosedAccountsAreRefused) {
  auto one = user();
  one.uid = 0;
  EXPECT_EQ(account_of(one).error().cause(), Cause::spawner_down);
  for (const char* shell : {"/usr/sbin/nologin", "/bin/false", "/bin/sync"}) {
    one = user();
    one.shell = shell;
    const auto refused = account_of(one);
    EXPECT_EQ(refused.error().cause(), Cause::spawner_down) << shell;
    EXPECT_NE(refused.error().message().find(shell), std::string::npos);
  }
}

TEST_F(AccountTest, TheNameServiceIsAsked) {
  settings.system_user = "{username}";
  EXPECT_EQ(account_for(settings, "root", data_dir).error().cause(), Cause::spawner_down);
  const auto unknown = account_for(settings, "no-such-user-here", data_dir);
  EXPECT_EQ(unknown.error().cause(), Cause::spawner_down);
  EXPECT_NE(unknown.error().message().find("no-such-user-here"), std::string::npos);
}

}  // namespace
}  // namespace passerelle::spawners::local
