#include "store/sqlite/database.hpp"

#include <nlohmann/json.hpp>
#include <sqlite3.h>

namespace passerelle::store::sqlite {
namespace {

constexpr int kBusyMilliseconds = 5000;  // room for a backup tool's checkpoint beside us
constexpr int kLongestValue = 1 << 20;

}  // namespace

Database::Database(const std::string& path, Access access, const std::string& vfs)
    : connection_(std::make_unique<SQLite::Database>(
          path,
          access == Access::read_write ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY,
          kBusyMilliseconds,
          vfs)) {
  sqlite3_limit(handle(), SQLITE_LIMIT_LENGTH, kLongestValue);
  sqlite3_extended_result_codes(handle(), 1);
  execute("PRAGMA foreign_keys=ON");
  execute("PRAGMA trusted_schema=OFF");
}

void Database::execute(const char* sql) {
  connection_->exec(sql);
}

std::int64_t Database::number(const char* sql) {
  SQLite::Statement statement(*connection_, sql);
  return statement.executeStep() ? statement.getColumn(0).getInt64() : 0;
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle()) == 0;
}

SQLite::Statement& Database::prepared(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) statement = std::make_unique<SQLite::Statement>(*connection_, sql);
  return *statement;
}

Query::~Query() {
  statement_.tryReset();
  statement_.clearBindings();
}

Query& Query::with(const std::string& value) {
  statement_.bind(++bound_, value);
  return *this;
}

Query& Query::with(std::int64_t value) {
  statement_.bind(++bound_, value);
  return *this;
}

Query& Query::with_absent() {
  statement_.bind(++bound_);
  return *this;
}

Query& Query::with_list(const std::vector<std::string>& values) {
  // Names come from outside: what is not UTF-8 is replaced, not thrown at whoever signs in.
  return with(
      nlohmann::json(values).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

bool Query::next() {
  column_ = 0;
  return statement_.executeStep();
}

std::size_t Query::run() {
  return static_cast<std::size_t>(statement_.exec());
}

std::string Query::text() {
  return statement_.getColumn(column_++).getString();
}

std::int64_t Query::integer() {
  return statement_.getColumn(column_++).getInt64();
}

std::optional<std::int64_t> Query::maybe_integer() {
  const SQLite::Column column = statement_.getColumn(column_++);
  if (column.isNull()) return std::nullopt;
  return column.getInt64();
}

std::optional<Instant> Query::maybe_instant() {
  const std::optional<std::int64_t> micros = maybe_integer();
  if (!micros) return std::nullopt;
  return from_micros(*micros);
}

std::vector<std::string> Query::list() {
  return nlohmann::json::parse(text()).get<std::vector<std::string>>();
}

bool is_storage_failure(const SQLite::Exception& thrown) noexcept {
  switch (thrown.getErrorCode() & 0xFF) {
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      return false;
    default:
      return true;
  }
}

Error to_error(const SQLite::Exception& thrown) {
  const std::string words = std::string("database: ") + thrown.what();
  if (is_storage_failure(thrown)) return Error(Errc::unavailable, words);
  if (thrown.getExtendedErrorCode() == SQLITE_CONSTRAINT_FOREIGNKEY)
    return Error(Errc::not_found, "no such user");
  switch (thrown.getErrorCode() & 0xFF) {
    case SQLITE_CONSTRAINT:
      return Error(Errc::conflict, words);
    case SQLITE_TOOBIG:
      return Error(Errc::invalid, words);
    default:
      return Error(Errc::internal, words);
  }
}

}  // namespace passerelle::store::sqlite
