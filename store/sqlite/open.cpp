// Opening the database: files that only we can read, a look before anything is changed, migration,
// two connections.
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.hpp"
#include "store/sqlite/rows.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace passerelle::store {
namespace sqlite {
namespace {

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Error failed(const std::string& path) {
  return Error(Errc::unavailable,
               "cannot open the database " + path + ": " + std::generic_category().message(errno));
}

/// SQLite would take an empty file for a new database and throw its log away.
bool lost_its_pages(const std::string& path) {
  struct stat main{};
  struct stat log{};
  return ::stat(path.c_str(), &main) == 0 && main.st_size == 0 &&
         ::stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0;
}

/// Makes the file if there is none, and takes everybody else's rights off it. SQLite gives -wal and
/// -shm its mode.
Result<void> prepare_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return failed(path);
  const bool closed = ::fchmod(file, 0600) == 0;
  ::close(file);
  if (!closed) return failed(path);
  for (const char* suffix : {"-wal", "-shm"})
    if (exists(path + suffix) && ::chmod((path + suffix).c_str(), 0600) != 0)
      return failed(path + suffix);
  return {};
}

/// While it is on, closing leaves the files as they were found: a log that is there is not folded
/// in.
void keep_log_on_close(Database& database, bool keep) {
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0, nullptr);
}

bool use_log(Database& database) {
  Query query(database, "PRAGMA journal_mode=WAL");
  return query.next() && query.text() == "wal";
}

Result<std::unique_ptr<Database>> open_checked(const std::string& path, const std::string& vfs) {
  if (lost_its_pages(path)) return damaged(path, "it is empty, but its -wal file is not");
  const bool had_log = exists(path + "-wal");
  auto database = std::make_unique<Database>(path, Database::Access::read_write, vfs);
  keep_log_on_close(*database, had_log);
  const auto newest = static_cast<std::int64_t>(steps().size());
  if (Result<void> good = check(*database, path, newest); !good) return std::move(good).error();
  keep_log_on_close(*database, false);
  if (!use_log(*database))
    return Error(Errc::unavailable, path + ": this file system cannot hold a write-ahead log");
  database->execute("PRAGMA journal_size_limit=67108864");
  database->execute("PRAGMA synchronous=FULL");
  if (Result<void> migrated = migrate(*database, path, steps()); !migrated)
    return std::move(migrated).error();
  return database;
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path,
                                                       const Options& options) try {
  if (Result<void> prepared = prepare_file(path); !prepared) return std::move(prepared).error();
  auto write = open_checked(path, options.vfs);
  if (!write) return std::move(write).error();
  auto read = std::make_unique<Database>(path, Database::Access::read_only, options.vfs);
  const std::int64_t last_event = (*write)->number("SELECT coalesce(max(id), 0) FROM audit");
  auto store = std::make_unique<SqliteStore>(std::move(*write), std::move(read), options.delays);
  store->connections_.backlog.start_after(last_event);
  return store;
} catch (const SQLite::Exception& thrown) {
  return to_error(thrown).within("cannot open " + path);
}

}  // namespace sqlite

Result<std::unique_ptr<Store>> open_sqlite(const std::string& path) {
  auto store = sqlite::SqliteStore::open(path, {});
  if (!store) return std::move(store).error();
  return std::unique_ptr<Store>(std::move(*store));
}

}  // namespace passerelle::store
