// Backlog: what is written with the next transaction and not awaited: activity times and audit
// events. Bounded; what a failing disk refuses stays here and is written later.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/database.hpp"
#include "store/store.hpp"

namespace passerelle::store::sqlite {

/// add_*, append and matching: any thread. apply and settle: the writer's thread, in turn.
class Backlog {
 public:
  using Seen = std::vector<std::pair<std::string, Instant>>;

  /// The latest time for a key wins. Errc::exhausted above 100,000 keys: then none of the call's is
  /// taken.
  Result<void> add_sessions(const Seen& seen);
  Result<void> add_tokens(const Seen& used);
  Result<void> add_servers(const std::vector<ServerStore::Activity>& activity);

  void append(AuditEvent event);  ///< Gives it its id. Above 10,000 the oldest is dropped, and the
                                  ///< log says so.
  /// Events not yet committed that answer the query, newest first.
  std::vector<AuditEvent> matching(const AuditLog::Query& query) const;
  /// The newest id in the database; appended events are numbered from there.
  void start_after(std::int64_t id);

  bool empty() const;
  /// Writes into the open transaction (at most 2,000 audit events of it).
  void apply(Database& database);
  /// Says how that transaction ended: committed things are forgotten, others are kept for the next
  /// one.
  void settle(bool committed);

 private:
  using Server = std::pair<UserId, std::string>;
  struct Times {
    std::map<std::string, Instant> sessions;
    std::map<std::string, Instant> tokens;
    std::map<Server, Instant> servers;
    std::size_t size() const { return sessions.size() + tokens.size() + servers.size(); }
  };
  bool has_room(std::size_t more) const;
  std::vector<AuditEvent> take_for_transaction();

  mutable std::mutex mutex_;
  Times waiting_;
  Times applied_;  // in the transaction that is open now
  std::deque<AuditEvent> events_;
  std::size_t applied_events_ = 0;  // at the front of events_
  std::int64_t next_id_ = 1;
  std::int64_t last_written_id_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace passerelle::store::sqlite
