// Which call goes to which thread: changes to the writer, questions to the reader, activity and
// audit to the backlog.
#include "store/sqlite/sqlite_store.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "store/sqlite/rows.hpp"

namespace passerelle::store::sqlite {
namespace {

constexpr std::size_t kLongestAuditField = 2048;
constexpr std::size_t kMostEvents = 1000;

/// Newest first; an event that was committed between the two looks is in both.
std::vector<AuditEvent> merge(std::vector<AuditEvent> waiting,
                              std::vector<AuditEvent> stored,
                              std::size_t limit) {
  const std::int64_t newest_stored = stored.empty() ? 0 : stored.front().id;
  std::erase_if(waiting, [&](const AuditEvent& event) { return event.id <= newest_stored; });
  std::move(stored.begin(), stored.end(), std::back_inserter(waiting));
  if (waiting.size() > limit) waiting.resize(limit);
  return waiting;
}

}  // namespace

Task<Result<Entered>> Users::enter(NewUser user, bool must_be_new) {
  return connections_.writer.run([user = std::move(user), must_be_new](Database& database) {
    return enter_user(database, user, must_be_new, SystemClock().now());
  });
}

Task<Result<User>> Users::find(UserId id) {
  return connections_.reader.run([id](Database& database) { return find_user(database, id); });
}

Task<Result<User>> Users::find_by_identity(std::string authenticator, std::string subject) {
  return connections_.reader.run(
      [authenticator = std::move(authenticator), subject = std::move(subject)](Database& database) {
        return find_user_by_identity(database, authenticator, subject);
      });
}

Task<Result<User>> Users::find_by_name(std::string username) {
  return connections_.reader.run([username = std::move(username)](Database& database) {
    return find_user_by_name(database, username);
  });
}

Task<Result<std::vector<User>>> Users::all() {
  return connections_.reader.run(all_users);
}

Task<Result<std::vector<Credential>>> Users::credentials(UserId id) {
  return connections_.reader.run([id](Database& database) { return credentials_of(database, id); });
}

Task<Result<void>> Users::add_credential(UserId id, Credential credential) {
  return connections_.writer.run([id, credential = std::move(credential)](Database& database) {
    return sqlite::add_credential(database, id, credential);
  });
}

Task<Result<void>> Users::erase(UserId id) {
  return connections_.writer.run([id](Database& database) { return erase_user(database, id); });
}

Task<Result<void>> Users::set_blocked(UserId id, bool blocked) {
  return connections_.writer.run([id, blocked](Database& database) {
    return set_user_blocked(database, id,
                            blocked ? std::optional(SystemClock().now()) : std::nullopt);
  });
}

Task<Result<void>> Users::set_admin(UserId id, bool admin) {
  return connections_.writer.run(
      [id, admin](Database& database) { return set_user_admin(database, id, admin); });
}

Task<Result<void>> Users::see(UserId id, Instant at) {
  return connections_.writer.run(
      [id, at](Database& database) { return see_user(database, id, at); });
}

Task<Result<UserStore::Page>> Users::page(PageQuery query) {
  return connections_.reader.run(
      [query = std::move(query)](Database& database) { return page_of_users(database, query); });
}

Task<Result<UserCounts>> Users::count(std::vector<ActivePeriod> periods) {
  return connections_.reader.run([periods = std::move(periods)](Database& database) {
    return count_users(database, periods);
  });
}

Task<Result<std::vector<Group>>> Groups::all() {
  return connections_.reader.run(all_groups);
}

Task<Result<Group>> Groups::find(std::string name) {
  return connections_.reader.run(
      [name = std::move(name)](Database& database) { return find_group(database, name); });
}

Task<Result<void>> Groups::create(std::string name) {
  return connections_.writer.run(
      [name = std::move(name)](Database& database) { return create_group(database, name); });
}

Task<Result<void>> Groups::erase(std::string name) {
  return connections_.writer.run(
      [name = std::move(name)](Database& database) { return erase_group(database, name); });
}

Task<Result<void>> Groups::add(std::string name, std::vector<UserId> users) {
  return connections_.writer.run(
      [name = std::move(name), users = std::move(users)](Database& database) {
        return add_to_group(database, name, users);
      });
}

Task<Result<void>> Groups::remove(std::string name, std::vector<UserId> users) {
  return connections_.writer.run(
      [name = std::move(name), users = std::move(users)](Database& database) {
        return remove_from_group(database, name, users);
      });
}

Task<Result<void>> Groups::set_properties(std::string name, std::string properties) {
  return connections_.writer.run(
      [name = std::move(name), properties = std::move(properties)](Database& database) {
        return set_group_properties(database, name, properties);
      });
}

Task<Result<void>> Identities::link(UserId user, std::string authenticator, std::string subject) {
  LinkedIdentity identity{std::move(authenticator), std::move(subject), SystemClock().now()};
  return connections_.writer.run([user, identity = std::move(identity)](Database& database) {
    return link_identity(database, user, identity);
  });
}

Task<Result<void>> Identities::unlink(UserId user, std::string authenticator, std::string subject) {
  return connections_.writer.run([user, authenticator = std::move(authenticator),
                                  subject = std::move(subject)](Database& database) {
    return unlink_identity(database, user, authenticator, subject);
  });
}

Task<Result<std::vector<LinkedIdentity>>> Identities::links_of(UserId user) {
  return connections_.reader.run(
      [user](Database& database) { return sqlite::links_of(database, user); });
}

Task<Result<void>> Identities::put_state(std::string authenticator,
                                         std::string subject,
                                         std::string sealed) {
  return connections_.writer.run([authenticator = std::move(authenticator),
                                  subject = std::move(subject),
                                  sealed = std::move(sealed)](Database& database) {
    return put_auth_state(database, authenticator, subject, sealed);
  });
}

Task<Result<std::string>> Identities::state(std::string authenticator, std::string subject) {
  return connections_.reader.run(
      [authenticator = std::move(authenticator), subject = std::move(subject)](Database& database) {
        return find_auth_state(database, authenticator, subject);
      });
}

Task<Result<void>> Identities::erase_state(std::string authenticator, std::string subject) {
  return connections_.writer.run(
      [authenticator = std::move(authenticator), subject = std::move(subject)](Database& database) {
        return erase_auth_state(database, authenticator, subject);
      });
}

Task<Result<bool>> Nonces::use(
    std::string scope, std::string nonce, Instant now, Instant until, std::size_t most) {
  return connections_.writer.run(
      [scope = std::move(scope), nonce = std::move(nonce), now, until, most](Database& database) {
        return use_nonce(database, scope, nonce, now, until, most);
      });
}

Task<Result<void>> Activities::note(UserId user, Activity activity, Instant now) {
  return connections_.writer.run([user, activity = std::move(activity), now](Database& database) {
    return note_activity(database, user, activity, now);
  });
}

Task<Result<ActivityRow>> Activities::find(ActivityId id) {
  return connections_.reader.run([id](Database& database) { return find_activity(database, id); });
}

Task<Result<std::vector<ActivityRow>>> Activities::of_user(UserId user) {
  return connections_.reader.run(
      [user](Database& database) { return activities_of_user(database, user); });
}

Task<Result<std::vector<ActivityRow>>> Activities::of_course(std::optional<Course> course,
                                                             std::size_t limit) {
  return connections_.reader.run([course = std::move(course), limit](Database& database) {
    return activities_of_course(database, course, limit);
  });
}

Task<Result<void>> Activities::grade(ActivityId id, Score score) {
  return connections_.writer.run([id, score = std::move(score)](Database& database) {
    return grade_activity(database, id, score);
  });
}

Task<Result<std::vector<ActivityRow>>> Activities::due(Instant now, std::size_t limit) {
  return connections_.reader.run(
      [now, limit](Database& database) { return due_grades(database, now, limit); });
}

Task<Result<std::optional<Instant>>> Activities::next_due() {
  return connections_.reader.run([](Database& database) { return next_due_grade(database); });
}

Task<Result<void>> Activities::settle(ActivityId id, Delivery outcome) {
  return connections_.writer.run([id, outcome = std::move(outcome)](Database& database) {
    return settle_grade(database, id, outcome);
  });
}

Task<Result<std::string>> Kept::find(std::string owner, std::string name) {
  return connections_.reader.run(
      [owner = std::move(owner), name = std::move(name)](Database& database) {
        return find_kept(database, owner, name);
      });
}

Task<Result<void>> Kept::put(std::string owner, std::string name, std::string value) {
  return connections_.writer.run([owner = std::move(owner), name = std::move(name),
                                  value = std::move(value)](Database& database) {
    return put_kept(database, owner, name, value);
  });
}

Task<Result<std::string>> Kept::put_first(std::string owner, std::string name, std::string value) {
  return connections_.writer.run([owner = std::move(owner), name = std::move(name),
                                  value = std::move(value)](Database& database) {
    return put_first_kept(database, owner, name, value);
  });
}

Task<Result<std::vector<std::pair<std::string, std::string>>>> Kept::all(std::string owner) {
  return connections_.reader.run(
      [owner = std::move(owner)](Database& database) { return all_kept(database, owner); });
}

Task<Result<void>> Kept::erase(std::string owner, std::string name) {
  return connections_.writer.run(
      [owner = std::move(owner), name = std::move(name)](Database& database) {
        return erase_kept(database, owner, name);
      });
}

Task<Result<void>> Sessions::put(Session session) {
  return connections_.writer.run([session = std::move(session)](Database& database) {
    return put_session(database, session);
  });
}

Task<Result<std::vector<Session>>> Sessions::all() {
  return connections_.reader.run(
      [](Database& database) { return unexpired_sessions(database, SystemClock().now()); });
}

Task<Result<std::vector<Session>>> Sessions::of_user(UserId user) {
  return connections_.reader.run(
      [user](Database& database) { return sessions_of(database, user); });
}

Task<Result<void>> Sessions::erase(std::string id) {
  return connections_.writer.run(
      [id = std::move(id)](Database& database) { return erase_session(database, id); });
}

Task<Result<void>> Sessions::erase_of_user(UserId user, std::string except_id) {
  return connections_.writer.run([user, except_id = std::move(except_id)](Database& database) {
    return erase_sessions_of(database, user, except_id);
  });
}

Task<Result<void>> Sessions::touch(std::vector<std::pair<std::string, Instant>> seen) {
  Result<void> added = connections_.backlog.add_sessions(seen);
  connections_.writer.note_backlog();
  co_return added;
}

Task<Result<std::size_t>> Sessions::erase_expired(Instant now, Instant idle_before) {
  return connections_.writer.run([now, idle_before](Database& database) {
    return erase_expired_sessions(database, now, idle_before);
  });
}

Task<Result<void>> Tokens::put(ApiToken token) {
  return connections_.writer.run(
      [token = std::move(token)](Database& database) { return put_token(database, token); });
}

Task<Result<ApiToken>> Tokens::find_by_hash(std::string hash) {
  return connections_.reader.run(
      [hash = std::move(hash)](Database& database) { return find_token(database, hash); });
}

Task<Result<std::vector<ApiToken>>> Tokens::all() {
  return connections_.reader.run(all_tokens);
}

Task<Result<std::vector<ApiToken>>> Tokens::of_user(UserId user) {
  return connections_.reader.run([user](Database& database) { return tokens_of(database, user); });
}

Task<Result<void>> Tokens::erase(std::string id) {
  return connections_.writer.run(
      [id = std::move(id)](Database& database) { return erase_token(database, id); });
}

Task<Result<void>> Tokens::touch(std::vector<std::pair<std::string, Instant>> used) {
  Result<void> added = connections_.backlog.add_tokens(used);
  connections_.writer.note_backlog();
  co_return added;
}

Task<Result<std::vector<ServerRecord>>> Servers::all() {
  return connections_.reader.run(all_servers);
}

Task<Result<ServerRecord>> Servers::find(UserId user, std::string name) {
  return connections_.reader.run([user, name = std::move(name)](Database& database) {
    return find_server(database, user, name);
  });
}

Task<Result<void>> Servers::put(ServerRecord record) {
  return connections_.writer.run(
      [record = std::move(record)](Database& database) { return put_server(database, record); });
}

Task<Result<void>> Servers::erase(UserId user, std::string name) {
  return connections_.writer.run([user, name = std::move(name)](Database& database) {
    return erase_server(database, user, name);
  });
}

Task<Result<void>> Servers::touch(std::vector<Activity> activity) {
  Result<void> added = connections_.backlog.add_servers(activity);
  connections_.writer.note_backlog();
  co_return added;
}

void Audit::append(AuditEvent event) {
  for (std::string* field : {&event.actor, &event.action, &event.target, &event.result,
                             &event.cause, &event.error_id, &event.detail, &event.peer})
    *field = cut(*field, kLongestAuditField);
  log::info("audit", event.action,
            {{"actor", event.actor},
             {"target", event.target},
             {"result", event.result},
             {"cause", event.cause},
             {"error_id", event.error_id},
             {"detail", event.detail},
             {"peer", event.peer}});
  connections_.backlog.append(std::move(event));
  connections_.writer.note_backlog();
}

Task<Result<std::vector<AuditEvent>>> Audit::query(Query query) {
  query.limit = std::min(query.limit, kMostEvents);
  // Before the database is asked: what is committed in between is then seen there.
  std::vector<AuditEvent> waiting = connections_.backlog.matching(query);
  auto work = [query](Database& database) { return find_events(database, query); };
  Result<std::vector<AuditEvent>> stored = co_await connections_.reader.run(std::move(work));
  if (!stored) co_return stored;
  co_return merge(std::move(waiting), std::move(*stored), query.limit);
}

}  // namespace passerelle::store::sqlite

namespace passerelle::store {

Task<Result<UserCounts>> count_users(Store& store, std::vector<ActivePeriod> periods) {
  return static_cast<sqlite::SqliteStore&>(store).users().count(std::move(periods));
}

}  // namespace passerelle::store
