// The contract on SQLite, and what is SQLite's own: files that only we can read, and groups in one
// transaction.
#include <sys/stat.h>

#include "store/sqlite/sqlite_store.hpp"
#include "store_contract.hpp"

namespace passerelle::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite,
                         StoreContract,
                         testing::Values(Factory{"sqlite", open_sqlite}),
                         [](const auto& made) { return made.param.name; });

class SqliteOnly : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(Sqlite,
                         SqliteOnly,
                         testing::Values(Factory{"sqlite", open_sqlite}),
                         [](const auto& made) { return made.param.name; });

TEST_P(SqliteOnly, OnlyWeCanReadTheFiles) {
  enter("alice");
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status{};
    ASSERT_EQ(::stat((path() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 07777, 0600U) << suffix;
  }
  ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
  reopen();
  struct stat status{};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_P(SqliteOnly, AThousandPutsShareAFewTransactions) {
  const User alice = enter("alice");
  const auto& sqlite = dynamic_cast<sqlite::SqliteStore&>(*store_);
  const sqlite::WriterStats before = sqlite.stats();
  int good = 0;
  for (int i = 0; i < 1'000; ++i)
    start(store_->servers().put(server_of(alice, std::to_string(i))),
          [&](Result<void> put) { good += put ? 1 : 0; });
  finish();
  const sqlite::WriterStats after = sqlite.stats();
  EXPECT_EQ(good, 1'000);
  EXPECT_EQ(after.writes - before.writes, 1'000U);
  EXPECT_LE(after.transactions - before.transactions, 100U);
  EXPECT_EQ(after.failures, 0U);
}

TEST_P(SqliteOnly, TheQueueIsBounded) {
  const User alice = enter("alice");
  int good = 0;
  int refused = 0;
  for (int i = 0; i < 30'000; ++i)
    start(store_->sessions().erase(std::to_string(i)), [&](Result<void> put) {
      if (put)
        ++good;
      else if (put.error().code() == Errc::exhausted)
        ++refused;
    });
  finish();
  EXPECT_EQ(good + refused, 30'000);
  EXPECT_GE(good, 8'192);
}

}  // namespace
}  // namespace passerelle::store
