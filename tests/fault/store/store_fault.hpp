// A store on the failing disk, and the loop to ask it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include "failing_disk.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace passerelle::store {

inline std::string file_content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class StoreFault : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(test->name()) + "_" + std::to_string(::getpid());
    std::replace(name.begin(), name.end(), '/', '_');
    folder_ = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::create_directory(folder_);
    FailingDisk::the().forget();
  }
  void TearDown() override {
    FailingDisk::the().set(FailingDisk::Fault::none);
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return (folder_ / "store.sqlite").string(); }
  Result<void> open(const std::string& vfs) {
    store_.reset();
    sqlite::SqliteStore::Options options;
    options.vfs = vfs;
    options.delays = {std::chrono::milliseconds(10), std::chrono::milliseconds(20)};
    auto opened = sqlite::SqliteStore::open(path(), options);
    if (!opened) return std::move(opened).error();
    store_ = std::move(*opened);
    return {};
  }

  template <class T>
  T wait(Task<T> task) {
    T result;
    asio::co_spawn(loop_, std::move(task), [&](std::exception_ptr thrown, T outcome) {
      EXPECT_FALSE(thrown);
      result = std::move(outcome);
    });
    run();
    return result;
  }
  void run() {
    loop_.restart();
    loop_.run();
  }
  /// Up to five seconds.
  template <class Condition>
  bool becomes(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!condition() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return condition();
  }

  static NewUser new_user(const std::string& subject) {
    NewUser user;
    user.authenticator = "room";
    user.subject = subject;
    user.wanted_username = subject;
    return user;
  }
  User enter(const std::string& subject) {
    auto entered = wait(store_->users().enter(new_user(subject), false));
    EXPECT_TRUE(entered) << entered.error().message();
    return entered ? entered->user : User();
  }
  static ServerRecord server_of(const User& user, const std::string& name) {
    ServerRecord record;
    record.user = user.id;
    record.name = name;
    return record;
  }

  asio::io_context loop_;
  std::filesystem::path folder_;
  std::unique_ptr<sqlite::SqliteStore> store_;
};

}  // namespace passerelle::store
