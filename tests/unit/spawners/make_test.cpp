#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawners/spawner.hpp"

namespace passerelle::spawners {
namespace {

using ::testing::HasSubstr;

class MakeSpawner : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/passerelle-make-XXXXXX";
    data_dir = ::mkdtemp(pattern.data());
    settings.name = "here";
    settings.type = "local";
  }
  void TearDown() override { std::filesystem::remove_all(data_dir); }

  Result<std::unique_ptr<Spawner>> make(const std::string& where,
                                        const std::string& programs = BUILD_DIR) {
    const Surroundings around{
        .loop = loop, .workers = workers, .data_dir = where, .program_dir = programs};
    return make_spawner(settings, around);
  }

  asio::io_context loop;
  WorkerPool workers{1};
  config::Spawner settings;
  std::string data_dir;
};

TEST_F(MakeSpawner, LocalIsBuiltIn) {
  EXPECT_THAT(spawner_types(), ::testing::Contains("local"));
  auto made = make(data_dir);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ((*made)->name(), "here");
}

TEST_F(MakeSpawner, AnUnknownTypeNamesTheKnownOnes) {
  settings.type = "lokal";
  auto made = make(data_dir);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message(), HasSubstr("local"));
}

TEST_F(MakeSpawner, ADataDirTooLongForASocketIsSaidAtOnce) {
  auto fits = make(data_dir + "/" + std::string(107 - 35 - data_dir.size() - 1, 'x'));
  EXPECT_TRUE(fits) << fits.error().message();
  auto made = make(data_dir + "/" + std::string(107 - 35 - data_dir.size(), 'x'));
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message(), HasSubstr("1 bytes too long"));
}

TEST_F(MakeSpawner, AMissingSupervisorIsSaidAtOnce) {
  auto made = make(data_dir, data_dir);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message(), HasSubstr("passerelle-supervisor"));
}

TEST_F(MakeSpawner, SystemUsersNeedRootAndAWayThrough) {
  settings.local.system_user = "{username}";
  auto closed = make(data_dir);
  ASSERT_FALSE(closed);
  if (::geteuid() != 0) {
    EXPECT_THAT(closed.error().message(), HasSubstr("root"));
    return;
  }
  EXPECT_THAT(closed.error().message(), HasSubstr("chmod o+x"));
  ASSERT_EQ(::chmod(data_dir.c_str(), 0711), 0);
  EXPECT_TRUE(make(data_dir));
}

}  // namespace
}  // namespace passerelle::spawners
