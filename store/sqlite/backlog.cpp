#include "store/sqlite/backlog.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "store/sqlite/rows.hpp"

namespace passerelle::store::sqlite {
namespace {

constexpr std::size_t kMostTimes = 100'000;
constexpr std::size_t kMostEvents = 10'000;
constexpr std::size_t kEventsPerTransaction = 2'000;  // a full backlog must not hold up a sign-in

template <class Key>
void keep_latest(std::map<Key, Instant>& times, const Key& key, Instant at) {
  const auto [entry, fresh] = times.emplace(key, at);
  if (!fresh) entry->second = std::max(entry->second, at);
}

template <class Key>
void keep_latest(std::map<Key, Instant>& times, const std::map<Key, Instant>& more) {
  for (const auto& [key, at] : more) keep_latest(times, key, at);
}

Error full() {
  return Error(Errc::exhausted, "too many activity times wait for the database");
}

}  // namespace

bool Backlog::has_room(std::size_t more) const {
  return waiting_.size() + applied_.size() + more <= kMostTimes;
}

Result<void> Backlog::add_sessions(const Seen& seen) {
  const std::lock_guard lock(mutex_);
  if (!has_room(seen.size())) return full();
  for (const auto& [id, at] : seen) keep_latest(waiting_.sessions, id, at);
  return {};
}

Result<void> Backlog::add_tokens(const Seen& used) {
  const std::lock_guard lock(mutex_);
  if (!has_room(used.size())) return full();
  for (const auto& [id, at] : used) keep_latest(waiting_.tokens, id, at);
  return {};
}

Result<void> Backlog::add_servers(const std::vector<ServerStore::Activity>& activity) {
  const std::lock_guard lock(mutex_);
  if (!has_room(activity.size())) return full();
  for (const auto& [user, name, at] : activity)
    keep_latest(waiting_.servers, Server(user, name), at);
  return {};
}

void Backlog::append(AuditEvent event) {
  std::size_t dropped = 0;
  {
    const std::lock_guard lock(mutex_);
    event.id = next_id_++;
    events_.push_back(std::move(event));
    if (events_.size() <= kMostEvents) return;
    events_.pop_front();
    if (applied_events_ > 0) --applied_events_;
    dropped = ++dropped_;
  }
  if (dropped % kMostEvents ==
      1)  // once per full backlog: the lines themselves stand in the log already
    log::error("store", "the database takes no audit events: the oldest are now only in this log",
               {{"dropped", dropped}});
}

std::vector<AuditEvent> Backlog::matching(const AuditLog::Query& query) const {
  const auto fits = [&](const AuditEvent& event) {
    return (query.actor.empty() || event.actor == query.actor) &&
           (query.action.empty() || event.action == query.action) &&
           (query.target.empty() || event.target == query.target) &&
           (query.before_id == 0 || event.id < query.before_id);
  };
  const std::lock_guard lock(mutex_);
  std::vector<AuditEvent> found;
  std::copy_if(events_.rbegin(), events_.rend(), std::back_inserter(found), fits);
  return found;
}

void Backlog::start_after(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  next_id_ = std::max(next_id_, id + 1);
}

bool Backlog::empty() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() == 0 && events_.empty();
}

std::vector<AuditEvent> Backlog::take_for_transaction() {
  const std::lock_guard lock(mutex_);
  std::swap(waiting_, applied_);
  applied_events_ = std::min(events_.size(), kEventsPerTransaction);
  return {events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(applied_events_)};
}

void Backlog::apply(Database& database) {
  const std::vector<AuditEvent> events = take_for_transaction();
  // applied_ changes only on this thread: no lock while SQLite works.
  for (const auto& [id, at] : applied_.sessions)
    Query(database, "UPDATE sessions SET last_seen = max(last_seen, ?2) WHERE id = ?1")
        .with(id)
        .with(at)
        .run();
  for (const auto& [id, at] : applied_.tokens)
    Query(database, "UPDATE tokens SET last_used = max(coalesce(last_used, ?2), ?2) WHERE id = ?1")
        .with(id)
        .with(at)
        .run();
  for (const auto& [server, at] : applied_.servers)
    Query(database,
          "UPDATE servers SET last_activity = max(last_activity, ?3) WHERE user = ?1 AND name = ?2")
        .with(server.first)
        .with(server.second)
        .with(at)
        .run();
  for (const AuditEvent& event : events) last_written_id_ = insert_event(database, event);
}

void Backlog::settle(bool committed) {
  const std::lock_guard lock(mutex_);
  if (committed) {
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(applied_events_));
    next_id_ = std::max(next_id_, last_written_id_ + 1);
  } else {
    keep_latest(waiting_.sessions, applied_.sessions);
    keep_latest(waiting_.tokens, applied_.tokens);
    keep_latest(waiting_.servers, applied_.servers);
  }
  applied_events_ = 0;
  applied_ = Times();
}

}  // namespace passerelle::store::sqlite
