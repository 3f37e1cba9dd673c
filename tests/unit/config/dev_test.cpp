#include "config/dev.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/values.hpp"

namespace passerelle::config {
namespace {

class Dev : public ::testing::Test {
 protected:
  Dev() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "passerelle-dev-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    environment_.variables["PATH"] = "/nonexistent:" + path_;
    environment_.variables["XDG_DATA_HOME"] = "/home/someone/.local/share";
  }
  ~Dev() override { std::filesystem::remove_all(path_); }
  void program(const std::string& name, mode_t mode = 0755) {
    std::ofstream(path_ + '/' + name) << "#!/bin/sh\n";
    ::chmod((path_ + '/' + name).c_str(), mode);
  }

  std::string path_;
  Environment environment_;
};

TEST_F(Dev, WithoutJupyterSaysWhatToInstall) {
  program("jupyter-lab", 0644);
  const auto settings = dev_settings("secret-enough", environment_);
  ASSERT_FALSE(settings);
  EXPECT_NE(settings.error().message().find("install"), std::string::npos);
}

TEST_F(Dev, TakesTheFirstOfThree) {
  program("jupyter-server");
  EXPECT_EQ(dev_settings("p", environment_)->profiles[0].command[0], "jupyter-server");
  program("jupyter-notebook");
  EXPECT_EQ(dev_settings("p", environment_)->profiles[0].default_url, "tree");
  program("jupyter-lab");
  EXPECT_EQ(dev_settings("p", environment_)->profiles[0].default_url, "lab");
}

TEST_F(Dev, IsForThisMachineOnly) {
  program("jupyter-lab");
  const auto settings = dev_settings("secret-enough", environment_);
  ASSERT_TRUE(settings);
  EXPECT_TRUE(is_loopback(settings->listen));
  EXPECT_TRUE(settings->access.allow.everyone);
  EXPECT_TRUE(settings->access.admins.empty());
  EXPECT_EQ(settings->authenticators[0].dummy.password.value, "secret-enough");
  EXPECT_FALSE(settings->authenticators[0].dummy.claim);
  EXPECT_EQ(settings->profiles[0].spawner, settings->spawners[0].name);
  EXPECT_TRUE(settings->stop_servers_on_exit);
}

TEST_F(Dev, DataDirectoryIsAbsolute) {
  program("jupyter-lab");
  EXPECT_EQ(dev_settings("p", environment_)->data_dir, "/home/someone/.local/share/passerelle/dev");
  environment_.variables["XDG_DATA_HOME"] = "relative";
  EXPECT_EQ(dev_settings("p", environment_)->data_dir,
            std::filesystem::current_path().string() + "/.dev");
}

}  // namespace
}  // namespace passerelle::config
