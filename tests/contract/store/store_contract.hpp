// What every Store must do, whatever holds its rows. An implementation joins by one
// INSTANTIATE_TEST_SUITE_P with a Factory (sqlite_contract.cpp).
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include "store/store.hpp"

namespace passerelle::store {

struct Factory {
  std::string name;
  std::function<Result<std::unique_ptr<Store>>(const std::string& path)> open;
};

inline Instant at(std::int64_t second) {
  return Instant(std::chrono::seconds(1'700'000'000 + second));
}

/// One loop, as the hub has it, a fresh place on disk, and the store in it.
class StoreContract : public testing::TestWithParam<Factory> {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(test->name()) + "_" + std::to_string(::getpid());
    std::replace(name.begin(), name.end(), '/', '_');
    folder_ = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::create_directory(folder_);
    reopen();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return (folder_ / "store.sqlite").string(); }
  void reopen() {
    store_.reset();
    auto opened = GetParam().open(path());
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
  }

  /// Runs the task on the loop to its end.
  template <class T>
  T wait(Task<T> task) {
    T result;
    start(std::move(task), [&](T outcome) { result = std::move(outcome); });
    finish();
    return result;
  }
  /// What it gives; for a loop over it, which a Result in the loop's head would not outlive.
  template <class T>
  T value(Task<Result<T>> task) {
    Result<T> result = wait(std::move(task));
    EXPECT_TRUE(result) << result.error().message();
    return result ? std::move(*result) : T();
  }
  /// Starts it; finish() runs all that were started, together.
  template <class T, class Then>
  void start(Task<T> task, Then then) {
    asio::co_spawn(loop_, std::move(task), [then](std::exception_ptr thrown, T outcome) {
      EXPECT_FALSE(thrown);
      then(std::move(outcome));
    });
  }
  void finish() {
    loop_.restart();
    loop_.run();
  }

  static NewUser new_user(const std::string& subject, const std::string& wanted = "") {
    NewUser user;
    user.authenticator = "room";
    user.subject = subject;
    user.wanted_username = wanted.empty() ? subject : wanted;
    user.display_name = subject;
    return user;
  }
  User enter(const NewUser& user) {
    auto entered = wait(store_->users().enter(user, false));
    EXPECT_TRUE(entered) << entered.error().message();
    return entered ? entered->user : User();
  }
  User enter(const std::string& subject) { return enter(new_user(subject)); }

  static Session session_of(const User& user, const std::string& id) {
    Session session;
    session.id = id;
    session.user = user.id;
    session.created = at(0);
    session.last_seen = at(0);
    session.expires = at(4'000'000'000);
    return session;
  }
  static ApiToken token_of(const User& user, const std::string& id) {
    ApiToken token;
    token.id = id;
    token.hash = "hash-" + id;
    token.user = user.id;
    token.created = at(0);
    return token;
  }
  static ServerRecord server_of(const User& user, const std::string& name) {
    ServerRecord record;
    record.user = user.id;
    record.name = name;
    record.phase = Phase::pending;
    return record;
  }

  asio::io_context loop_;
  std::filesystem::path folder_;
  std::unique_ptr<Store> store_;
};

}  // namespace passerelle::store
