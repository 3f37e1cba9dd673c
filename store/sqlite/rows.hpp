// What each table knows how to do, as plain functions on a connection: users.cpp, identities.cpp,
// sessions.cpp, tokens.cpp, servers.cpp, audit.cpp. They throw SQLite::Exception; sqlite_store.cpp
// puts them on the right thread.
#pragma once

#include "store/counts.hpp"
#include "store/sqlite/database.hpp"
#include "store/store.hpp"

namespace passerelle::store::sqlite {

/// At most `most` bytes, not in the middle of a UTF-8 character.
std::string cut(const std::string& text, std::size_t most);

Result<Entered> enter_user(Database& database,
                           const NewUser& wanted,
                           bool must_be_new,
                           Instant now);
Result<User> find_user(Database& database, UserId id);
Result<User> find_user_by_identity(Database& database,
                                   const std::string& authenticator,
                                   const std::string& subject);
Result<User> find_user_by_name(Database& database, const std::string& username);
Result<std::vector<User>> all_users(Database& database);
Result<std::vector<Credential>> credentials_of(Database& database, UserId id);
Result<void> add_credential(Database& database, UserId id, const Credential& credential);
Result<void> set_user_blocked(Database& database, UserId id, std::optional<Instant> since);
Result<void> set_user_admin(Database& database, UserId id, bool admin);
Result<void> see_user(Database& database, UserId id, Instant at);
Result<UserStore::Page> page_of_users(Database& database, const UserStore::PageQuery& wanted);
Result<UserCounts> count_users(Database& database, const std::vector<ActivePeriod>& periods);
Result<void> erase_user(Database& database, UserId id);

Result<std::vector<Group>> all_groups(Database& database);
Result<Group> find_group(Database& database, const std::string& name);
Result<void> create_group(Database& database, const std::string& name);
Result<void> erase_group(Database& database, const std::string& name);
Result<void> add_to_group(Database& database,
                          const std::string& name,
                          const std::vector<UserId>& users);
Result<void> remove_from_group(Database& database,
                               const std::string& name,
                               const std::vector<UserId>& users);
Result<void> set_group_properties(Database& database,
                                  const std::string& name,
                                  const std::string& properties);

Result<void> link_identity(Database& database, UserId user, const LinkedIdentity& identity);
Result<void> unlink_identity(Database& database,
                             UserId user,
                             const std::string& authenticator,
                             const std::string& subject);
Result<std::vector<LinkedIdentity>> links_of(Database& database, UserId user);
Result<void> put_auth_state(Database& database,
                            const std::string& authenticator,
                            const std::string& subject,
                            const std::string& sealed);
Result<std::string> find_auth_state(Database& database,
                                    const std::string& authenticator,
                                    const std::string& subject);
Result<void> erase_auth_state(Database& database,
                              const std::string& authenticator,
                              const std::string& subject);

Result<bool> use_nonce(Database& database,
                       const std::string& scope,
                       const std::string& nonce,
                       Instant now,
                       Instant until,
                       std::size_t most);

Result<void> note_activity(Database& database, UserId user, const Activity& activity, Instant now);
Result<ActivityRow> find_activity(Database& database, ActivityId id);
Result<std::vector<ActivityRow>> activities_of_user(Database& database, UserId user);
Result<std::vector<ActivityRow>> activities_of_course(
    Database& database, const std::optional<ActivityStore::Course>& course, std::size_t limit);
Result<void> grade_activity(Database& database, ActivityId id, const Score& score);
Result<std::vector<ActivityRow>> due_grades(Database& database, Instant now, std::size_t limit);
Result<std::optional<Instant>> next_due_grade(Database& database);
Result<void> settle_grade(Database& database, ActivityId id, const Delivery& outcome);

Result<std::string> find_kept(Database& database,
                              const std::string& owner,
                              const std::string& name);
Result<void> put_kept(Database& database,
                      const std::string& owner,
                      const std::string& name,
                      const std::string& value);
Result<std::string> put_first_kept(Database& database,
                                   const std::string& owner,
                                   const std::string& name,
                                   const std::string& value);
Result<std::vector<std::pair<std::string, std::string>>> all_kept(Database& database,
                                                                  const std::string& owner);
Result<void> erase_kept(Database& database, const std::string& owner, const std::string& name);

Result<void> put_session(Database& database, const Session& session);
Result<std::vector<Session>> unexpired_sessions(Database& database, Instant now);
Result<std::vector<Session>> sessions_of(Database& database, UserId user);
Result<void> erase_session(Database& database, const std::string& id);
Result<void> erase_sessions_of(Database& database, UserId user, const std::string& except_id);
Result<std::size_t> erase_expired_sessions(Database& database, Instant now, Instant idle_before);

Result<void> put_token(Database& database, const ApiToken& token);
Result<ApiToken> find_token(Database& database, const std::string& hash);
Result<std::vector<ApiToken>> all_tokens(Database& database);
Result<std::vector<ApiToken>> tokens_of(Database& database, UserId user);
Result<void> erase_token(Database& database, const std::string& id);

Result<void> put_server(Database& database, const ServerRecord& record);
Result<ServerRecord> find_server(Database& database, UserId user, const std::string& name);
Result<std::vector<ServerRecord>> all_servers(Database& database);
Result<void> erase_server(Database& database, UserId user, const std::string& name);

/// Under the event's id, or the next free one if another process took it; gives that id.
std::int64_t insert_event(Database& database, const AuditEvent& event);
Result<std::vector<AuditEvent>> find_events(Database& database, const AuditLog::Query& query);

}  // namespace passerelle::store::sqlite
