#include "spawners/local/supervisor/log_file.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace passerelle::spawners::local {
namespace {

class LogFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/passerelle-log-XXXXXX";
    directory = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  std::string directory;
};

TEST_F(LogFileTest, KeepsTheLastTwentyLines) {
  LogFile log(directory + "/log", "");
  for (int line = 1; line <= 30; ++line) log.append("line " + std::to_string(line) + "\n");
  EXPECT_TRUE(log.tail().starts_with("line 11\n")) << log.tail();
  EXPECT_TRUE(log.tail().ends_with("line 30"));
}

TEST_F(LogFileTest, FewLinesAreAllKept) {
  LogFile log(directory + "/log", "");
  EXPECT_EQ(log.tail(), "");
  log.append("one\ntwo");
  EXPECT_EQ(log.tail(), "one\ntwo");
}

TEST_F(LogFileTest, TheDiskSeesTwoMebibytesAtMost) {
  LogFile log(directory + "/log", "");
  const std::string block(64U << 10U, 'x');
  for (int i = 0; i < 80; ++i) log.append(block + "\n");
  std::uintmax_t size = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory)) size += file.file_size();
  EXPECT_LE(size, 2U << 20U);
  EXPECT_GT(size, 1U << 20U);
  EXPECT_LE(log.tail().size(), 8U << 10U);
}

TEST_F(LogFileTest, TheSecretIsNotInTheTail) {
  LogFile log(directory + "/log", "s3cret");
  log.append("http://localhost/?token=s3cret and s3cret\n");
  EXPECT_EQ(log.tail(), "http://localhost/?token=... and ...");
}

}  // namespace
}  // namespace passerelle::spawners::local
