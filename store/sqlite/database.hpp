// Database: one SQLite connection with its prepared statements, and Query, one use of a statement.
// Both throw SQLite::Exception; writer.hpp and reader.hpp are the borders where that becomes an
// Error.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace passerelle::store::sqlite {

/// One thread at a time.
class Database {
 public:
  enum class Access { read_write, read_only };
  /// `vfs`: empty for SQLite's default.
  Database(const std::string& path, Access access, const std::string& vfs);

  void execute(const char* sql);
  std::int64_t number(const char* sql);  ///< The first column of the first row, as of a PRAGMA.
  sqlite3* handle() const { return connection_->getHandle(); }
  bool in_transaction() const;

 private:
  friend class Query;
  SQLite::Statement& prepared(const char* sql);

  std::unique_ptr<SQLite::Database> connection_;
  // By address: every statement is a literal. Declared last: statements end before their
  // connection.
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
};

/// Binds in order, then reads rows column by column in order. `sql` must be a literal.
class Query {
 public:
  Query(Database& database, const char* sql) : statement_(database.prepared(sql)) {}
  ~Query();  ///< Resets the statement, so that no read lock stays behind.
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& with(const std::string& value);
  Query& with(std::int64_t value);
  Query& with(Instant value) { return with(to_micros(value)); }
  Query& with_absent();
  template <class T>
  Query& with(const std::optional<T>& value) {
    return value ? with(*value) : with_absent();
  }
  Query& with_list(const std::vector<std::string>& values);  ///< As a JSON array.

  bool next();        ///< The next row; its columns are then read from the first.
  std::size_t run();  ///< To the end; how many rows it changed.

  std::string text();
  std::int64_t integer();
  Instant instant() { return from_micros(integer()); }
  std::optional<std::int64_t> maybe_integer();
  std::optional<Instant> maybe_instant();
  std::vector<std::string> list();

 private:
  SQLite::Statement& statement_;
  int bound_ = 0;
  int column_ = 0;
};

/// The storage itself fails (full, I/O, damaged, locked): nothing can be written, whoever asks.
bool is_storage_failure(const SQLite::Exception& thrown) noexcept;
/// Errc::unavailable with SQLite's words for those; not_found for a missing owner, conflict for a
/// taken key, invalid for a value above 1 MiB.
Error to_error(const SQLite::Exception& thrown);

/// Runs `work` and turns what it throws into an Error.
template <class Work>
auto guarded(Database& database, Work& work) -> decltype(work(database)) {
  try {
    return work(database);
  } catch (const SQLite::Exception& thrown) {
    return to_error(thrown);
  } catch (const std::exception& thrown) {
    return Error(Errc::internal, std::string("store: ") + thrown.what());
  }
}

}  // namespace passerelle::store::sqlite
