// What auth's tests stand on: a clock that stands still, stores in memory that fail on demand, and
// a loop.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "store/store.hpp"
#include "store/username.hpp"

namespace passerelle::auth::testing {

/// 2026-11-22 00:00:00 UTC until somebody moves it.
class StillClock final : public Clock {
 public:
  Instant now() const noexcept override { return from_micros(at_.load()); }
  void pass(std::chrono::microseconds time) { at_ += time.count(); }

 private:
  std::atomic<std::int64_t> at_{1'795'305'600'000'000};
};

/// Runs the task to its end on a loop of its own.
template <class T>
T wait(Task<T> task) {
  asio::io_context loop;
  std::optional<T> outcome;
  asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, T value) {
    if (thrown) std::rethrow_exception(thrown);
    outcome = std::move(value);
  });
  loop.run();
  return std::move(outcome.value());
}

inline Error disk_full() {
  return Error(Errc::unavailable, "disk full");
}

class MemoryNonces final : public store::NonceStore {
 public:
  bool broken = false;
  std::map<std::string, Instant> used;

  Task<Result<bool>> use(
      std::string scope, std::string nonce, Instant now, Instant until, std::size_t most) override {
    if (broken) co_return disk_full();
    std::erase_if(used, [&](const auto& one) { return one.second < now; });
    if (used.size() >= most) co_return Error(Errc::exhausted, "too many");
    co_return used.emplace(scope + " " + nonce, until).second;
  }
};

class MemoryKept final : public store::KeptStore {
 public:
  bool broken = false;
  std::map<std::pair<std::string, std::string>, std::string> values;

  Task<Result<std::string>> find(std::string owner, std::string name) override {
    const auto at = values.find({owner, name});
    if (at == values.end()) co_return Error(Errc::not_found, "nothing is kept");
    co_return at->second;
  }
  Task<Result<void>> put(std::string owner, std::string name, std::string value) override {
    if (broken) co_return disk_full();
    values[{owner, name}] = std::move(value);
    co_return Result<void>();
  }
  Task<Result<std::string>> put_first(std::string owner,
                                      std::string name,
                                      std::string value) override {
    co_return values.emplace(std::pair{owner, name}, value).first->second;
  }
  Task<Result<std::vector<std::pair<std::string, std::string>>>> all(std::string owner) override {
    std::vector<std::pair<std::string, std::string>> list;
    for (const auto& [key, value] : values)
      if (key.first == owner) list.emplace_back(key.second, value);
    co_return list;
  }
  Task<Result<void>> erase(std::string owner, std::string name) override {
    if (broken) co_return disk_full();
    values.erase({owner, name});
    co_return Result<void>();
  }
};

class MemoryUsers final : public store::UserStore {
 public:
  bool broken = false;
  std::function<void()> before_enter;  ///< Somebody else is quicker.
  std::vector<store::User> users;
  std::map<store::UserId, std::vector<store::Credential>> kept;

  Task<Result<store::Entered>> enter(store::NewUser wanted, bool must_be_new) override {
    if (before_enter) std::exchange(before_enter, nullptr)();
    if (broken) co_return disk_full();
    if (store::User* known = at(wanted.authenticator, wanted.subject)) {
      if (must_be_new) co_return Error(Errc::conflict, "known");
      known->display_name = wanted.display_name;
      known->groups = wanted.groups;
      known->told_groups = wanted.groups;
      co_return store::Entered{*known, false};
    }
    const auto seated = std::count_if(users.begin(), users.end(), [&](const store::User& user) {
      return user.authenticator == wanted.authenticator;
    });
    if (wanted.max_users != 0 && seated >= wanted.max_users)
      co_return Error(Errc::exhausted, "all seats are taken");
    store::User user;
    user.id = ++last_;
    user.authenticator = wanted.authenticator;
    user.subject = wanted.subject;
    const std::string cleaned = store::clean_username(wanted.wanted_username);
    user.username = cleaned;
    for (int number = 2; named(user.username) != nullptr; ++number)
      user.username = store::numbered_username(cleaned, number);
    user.display_name = wanted.display_name;
    user.groups = wanted.groups;
    user.told_groups = wanted.groups;
    users.push_back(user);
    kept[user.id] = wanted.credentials;
    co_return store::Entered{user, true};
  }
  Task<Result<store::User>> find(store::UserId id) override {
    if (broken) co_return disk_full();
    for (const store::User& user : users)
      if (user.id == id) co_return user;
    co_return Error(Errc::not_found, "no such user");
  }
  Task<Result<store::User>> find_by_identity(std::string authenticator,
                                             std::string subject) override {
    if (broken) co_return disk_full();
    const store::User* user = at(authenticator, subject);
    if (user == nullptr) co_return Error(Errc::not_found, "no such user");
    co_return *user;
  }
  Task<Result<store::User>> find_by_name(std::string username) override {
    if (broken) co_return disk_full();
    const store::User* user = named(username);
    if (user == nullptr) co_return Error(Errc::not_found, "no such user");
    co_return *user;
  }
  Task<Result<std::vector<store::User>>> all() override { co_return users; }
  Task<Result<std::vector<store::Credential>>> credentials(store::UserId id) override {
    if (broken) co_return disk_full();
    co_return kept[id];
  }
  Task<Result<void>> add_credential(store::UserId id, store::Credential credential) override {
    if (broken) co_return disk_full();
    kept[id].push_back(std::move(credential));
    co_return Result<void>();
  }
  Task<Result<void>> set_blocked(store::UserId id, bool blocked) override {
    for (store::User& user : users)
      if (user.id == id) user.blocked = blocked ? std::optional(from_micros(1)) : std::nullopt;
    co_return Result<void>();
  }
  Task<Result<void>> set_admin(store::UserId id, bool admin) override {
    for (store::User& user : users)
      if (user.id == id) user.admin = admin;
    co_return Result<void>();
  }
  Task<Result<void>> see(store::UserId /*id*/, Instant /*at*/) override {
    co_return Result<void>();
  }
  Task<Result<Page>> page(PageQuery /*query*/) override {
    co_return Error(Errc::internal, "nobody asks for pages here");
  }
  Task<Result<void>> erase(store::UserId id) override {
    std::erase_if(users, [&](const store::User& user) { return user.id == id; });
    kept.erase(id);
    co_return Result<void>();
  }

 private:
  store::User* at(const std::string& authenticator, const std::string& subject) {
    for (store::User& user : users)
      if (user.authenticator == authenticator && user.subject == subject) return &user;
    return nullptr;
  }
  store::User* named(const std::string& username) {
    for (store::User& user : users)
      if (user.username == username) return &user;
    return nullptr;
  }
  store::UserId last_ = 0;
};

class MemoryIdentities final : public store::IdentityStore {
 public:
  explicit MemoryIdentities(MemoryUsers& users) : users_(users) {}
  std::map<std::pair<std::string, std::string>, std::string> states;

  Task<Result<void>> link(store::UserId, std::string, std::string) override {
    co_return Error(Errc::unavailable, "not here");
  }
  Task<Result<void>> unlink(store::UserId, std::string, std::string) override {
    co_return Error(Errc::not_found, "not here");
  }
  Task<Result<std::vector<store::LinkedIdentity>>> links_of(store::UserId) override {
    co_return std::vector<store::LinkedIdentity>();
  }
  Task<Result<void>> put_state(std::string authenticator,
                               std::string subject,
                               std::string sealed) override {
    auto user = co_await users_.find_by_identity(authenticator, subject);
    if (!user) co_return std::move(user).error();
    states[{authenticator, subject}] = std::move(sealed);
    co_return Result<void>();
  }
  Task<Result<std::string>> state(std::string authenticator, std::string subject) override {
    const auto at = states.find({authenticator, subject});
    if (at == states.end()) co_return Error(Errc::not_found, "no state");
    co_return at->second;
  }
  Task<Result<void>> erase_state(std::string authenticator, std::string subject) override {
    states.erase({authenticator, subject});
    co_return Result<void>();
  }

 private:
  MemoryUsers& users_;
};

class MemorySessions final : public store::SessionStore {
 public:
  bool broken = false;
  std::function<void()> during_put;
  std::map<std::string, store::Session> rows;

  Task<Result<void>> put(store::Session session) override {
    if (broken) co_return disk_full();
    rows[session.id] = session;
    if (during_put) std::exchange(during_put, nullptr)();
    co_return Result<void>();
  }
  Task<Result<std::vector<store::Session>>> all() override {
    std::vector<store::Session> list;
    for (const auto& [id, session] : rows) list.push_back(session);
    co_return list;
  }
  Task<Result<std::vector<store::Session>>> of_user(store::UserId user) override {
    std::vector<store::Session> list;
    for (const auto& [id, session] : rows)
      if (session.user == user) list.push_back(session);
    co_return list;
  }
  Task<Result<void>> erase(std::string id) override {
    if (broken) co_return disk_full();
    rows.erase(id);
    co_return Result<void>();
  }
  Task<Result<void>> erase_of_user(store::UserId user, std::string except_id) override {
    if (broken) co_return disk_full();
    std::erase_if(
        rows, [&](const auto& row) { return row.second.user == user && row.first != except_id; });
    co_return Result<void>();
  }
  Task<Result<void>> touch(std::vector<std::pair<std::string, Instant>> seen) override {
    for (const auto& [id, at] : seen) rows[id].last_seen = at;
    co_return Result<void>();
  }
  Task<Result<std::size_t>> erase_expired(Instant now, Instant idle_before) override {
    co_return std::erase_if(rows, [&](const auto& row) {
      return row.second.expires <= now || row.second.last_seen <= idle_before;
    });
  }
};

class MemoryTokens final : public store::TokenStore {
 public:
  std::map<std::string, store::ApiToken> rows;
  std::function<void()> during_put;

  Task<Result<void>> put(store::ApiToken token) override {
    if (during_put) std::exchange(during_put, nullptr)();
    rows[token.id] = token;
    co_return Result<void>();
  }
  Task<Result<store::ApiToken>> find_by_hash(std::string hash) override {
    for (const auto& [id, token] : rows)
      if (token.hash == hash) co_return token;
    co_return Error(Errc::not_found, "no such token");
  }
  Task<Result<std::vector<store::ApiToken>>> all() override {
    std::vector<store::ApiToken> list;
    for (const auto& [id, token] : rows) list.push_back(token);
    co_return list;
  }
  Task<Result<std::vector<store::ApiToken>>> of_user(store::UserId) override { return all(); }
  Task<Result<void>> erase(std::string id) override {
    if (rows.erase(id) == 0) co_return Error(Errc::not_found, "no such token");
    co_return Result<void>();
  }
  Task<Result<void>> touch(std::vector<std::pair<std::string, Instant>> used) override {
    for (const auto& [id, at] : used) rows[id].last_used = at;
    co_return Result<void>();
  }
};

class MemoryAudit final : public store::AuditLog {
 public:
  std::vector<store::AuditEvent> events;
  void append(store::AuditEvent event) override { events.push_back(std::move(event)); }
  Task<Result<std::vector<store::AuditEvent>>> query(Query) override { co_return events; }
};

inline store::User user(store::UserId id,
                        std::string username,
                        std::vector<std::string> groups = {}) {
  store::User row;
  row.id = id;
  row.authenticator = "room";
  row.subject = username;
  row.username = std::move(username);
  row.groups = std::move(groups);
  return row;
}

}  // namespace passerelle::auth::testing
