// SqliteStore: the Store on one SQLite database: opening it, and which call goes to which thread.
#pragma once

#include <memory>
#include <string>

#include "store/counts.hpp"
#include "store/sqlite/backlog.hpp"
#include "store/sqlite/reader.hpp"
#include "store/sqlite/writer.hpp"
#include "store/store.hpp"

namespace passerelle::store::sqlite {

/// The two connections and what waits between them; the stores below only say what runs where.
struct Connections {
  Connections(std::unique_ptr<Database> write,
              std::unique_ptr<Database> read,
              Writer::Delays delays)
      : writer(std::move(write), backlog, delays), reader(std::move(read)) {}

  Backlog backlog;
  Writer writer;
  Reader reader;
};

class Users final : public UserStore {
 public:
  explicit Users(Connections& connections) : connections_(connections) {}
  Task<Result<Entered>> enter(NewUser user, bool must_be_new) override;
  Task<Result<User>> find(UserId id) override;
  Task<Result<User>> find_by_identity(std::string authenticator, std::string subject) override;
  Task<Result<User>> find_by_name(std::string username) override;
  Task<Result<std::vector<User>>> all() override;
  Task<Result<std::vector<Credential>>> credentials(UserId id) override;
  Task<Result<void>> add_credential(UserId id, Credential credential) override;
  Task<Result<void>> erase(UserId id) override;
  Task<Result<void>> set_blocked(UserId id, bool blocked) override;
  Task<Result<void>> set_admin(UserId id, bool admin) override;
  Task<Result<void>> see(UserId id, Instant at) override;
  Task<Result<Page>> page(PageQuery query) override;
  Task<Result<UserCounts>> count(std::vector<ActivePeriod> periods);

 private:
  Connections& connections_;
};

class Identities final : public IdentityStore {
 public:
  explicit Identities(Connections& connections) : connections_(connections) {}
  Task<Result<void>> link(UserId user, std::string authenticator, std::string subject) override;
  Task<Result<void>> unlink(UserId user, std::string authenticator, std::string subject) override;
  Task<Result<std::vector<LinkedIdentity>>> links_of(UserId user) override;
  Task<Result<void>> put_state(std::string authenticator,
                               std::string subject,
                               std::string sealed) override;
  Task<Result<std::string>> state(std::string authenticator, std::string subject) override;
  Task<Result<void>> erase_state(std::string authenticator, std::string subject) override;

 private:
  Connections& connections_;
};

class Nonces final : public NonceStore {
 public:
  explicit Nonces(Connections& connections) : connections_(connections) {}
  Task<Result<bool>> use(
      std::string scope, std::string nonce, Instant now, Instant until, std::size_t most) override;

 private:
  Connections& connections_;
};

class Activities final : public ActivityStore {
 public:
  explicit Activities(Connections& connections) : connections_(connections) {}
  Task<Result<void>> note(UserId user, Activity activity, Instant now) override;
  Task<Result<ActivityRow>> find(ActivityId id) override;
  Task<Result<std::vector<ActivityRow>>> of_user(UserId user) override;
  Task<Result<std::vector<ActivityRow>>> of_course(std::optional<Course> course,
                                                   std::size_t limit) override;
  Task<Result<void>> grade(ActivityId id, Score score) override;
  Task<Result<std::vector<ActivityRow>>> due(Instant now, std::size_t limit) override;
  Task<Result<std::optional<Instant>>> next_due() override;
  Task<Result<void>> settle(ActivityId id, Delivery outcome) override;

 private:
  Connections& connections_;
};

class Kept final : public KeptStore {
 public:
  explicit Kept(Connections& connections) : connections_(connections) {}
  Task<Result<std::string>> find(std::string owner, std::string name) override;
  Task<Result<void>> put(std::string owner, std::string name, std::string value) override;
  Task<Result<std::string>> put_first(std::string owner,
                                      std::string name,
                                      std::string value) override;
  Task<Result<std::vector<std::pair<std::string, std::string>>>> all(std::string owner) override;
  Task<Result<void>> erase(std::string owner, std::string name) override;

 private:
  Connections& connections_;
};

class Groups final : public GroupStore {
 public:
  explicit Groups(Connections& connections) : connections_(connections) {}
  Task<Result<std::vector<Group>>> all() override;
  Task<Result<Group>> find(std::string name) override;
  Task<Result<void>> create(std::string name) override;
  Task<Result<void>> erase(std::string name) override;
  Task<Result<void>> add(std::string name, std::vector<UserId> users) override;
  Task<Result<void>> remove(std::string name, std::vector<UserId> users) override;
  Task<Result<void>> set_properties(std::string name, std::string properties) override;

 private:
  Connections& connections_;
};

class Sessions final : public SessionStore {
 public:
  explicit Sessions(Connections& connections) : connections_(connections) {}
  Task<Result<void>> put(Session session) override;
  Task<Result<std::vector<Session>>> all() override;
  Task<Result<std::vector<Session>>> of_user(UserId user) override;
  Task<Result<void>> erase(std::string id) override;
  Task<Result<void>> erase_of_user(UserId user, std::string except_id) override;
  Task<Result<void>> touch(std::vector<std::pair<std::string, Instant>> seen) override;
  Task<Result<std::size_t>> erase_expired(Instant now, Instant idle_before) override;

 private:
  Connections& connections_;
};

class Tokens final : public TokenStore {
 public:
  explicit Tokens(Connections& connections) : connections_(connections) {}
  Task<Result<void>> put(ApiToken token) override;
  Task<Result<ApiToken>> find_by_hash(std::string hash) override;
  Task<Result<std::vector<ApiToken>>> all() override;
  Task<Result<std::vector<ApiToken>>> of_user(UserId user) override;
  Task<Result<void>> erase(std::string id) override;
  Task<Result<void>> touch(std::vector<std::pair<std::string, Instant>> used) override;

 private:
  Connections& connections_;
};

class Servers final : public ServerStore {
 public:
  explicit Servers(Connections& connections) : connections_(connections) {}
  Task<Result<std::vector<ServerRecord>>> all() override;
  Task<Result<ServerRecord>> find(UserId user, std::string name) override;
  Task<Result<void>> put(ServerRecord record) override;
  Task<Result<void>> erase(UserId user, std::string name) override;
  Task<Result<void>> touch(std::vector<Activity> activity) override;

 private:
  Connections& connections_;
};

class Audit final : public AuditLog {
 public:
  explicit Audit(Connections& connections) : connections_(connections) {}
  void append(AuditEvent event) override;
  Task<Result<std::vector<AuditEvent>>> query(Query query) override;

 private:
  Connections& connections_;
};

class SqliteStore final : public Store {
 public:
  struct Options {
    std::string vfs;  ///< Empty: SQLite's default.
    Writer::Delays delays;
  };
  /// As open_sqlite; the options are for tests of failing disks and slow batches.
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& path, const Options& options);

  SqliteStore(std::unique_ptr<Database> write,
              std::unique_ptr<Database> read,
              Writer::Delays delays)
      : connections_(std::move(write), std::move(read), delays) {}

  Users& users() override { return users_; }
  IdentityStore& identities() override { return identities_; }
  NonceStore& nonces() override { return nonces_; }
  ActivityStore& activities() override { return activities_; }
  KeptStore& kept() override { return kept_; }
  GroupStore& groups() override { return groups_; }
  SessionStore& sessions() override { return sessions_; }
  TokenStore& tokens() override { return tokens_; }
  ServerStore& servers() override { return servers_; }
  AuditLog& audit() override { return audit_; }
  bool writable() const noexcept override { return connections_.writer.writable(); }
  WriterStats stats() const noexcept { return connections_.writer.stats(); }

 private:
  Connections connections_;
  Users users_{connections_};
  Identities identities_{connections_};
  Nonces nonces_{connections_};
  Activities activities_{connections_};
  Kept kept_{connections_};
  Groups groups_{connections_};
  Sessions sessions_{connections_};
  Tokens tokens_{connections_};
  Servers servers_{connections_};
  Audit audit_{connections_};
};

}  // namespace passerelle::store::sqlite
