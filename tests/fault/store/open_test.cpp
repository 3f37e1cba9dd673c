// Opening: earlier versions are carried forward with a copy beside them; newer, foreign and damaged
// files are refused with a sentence, and stay as they were.
#include <SQLiteCpp/Database.h>

#include "store/sqlite/schema.hpp"
#include "store_fault.hpp"

namespace passerelle::store {
namespace {

class Opening : public StoreFault {
 protected:
  void run_sql(const std::string& sql) {
    SQLite::Database database(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec(sql);
  }
  void fill() {
    ASSERT_TRUE(open(""));
    for (int i = 0; i < 300; ++i) enter("user" + std::to_string(i));
    store_.reset();
  }
  std::string files() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      found.push_back(entry.path().filename().string() + "=" + file_content(entry.path().string()));
    std::sort(found.begin(), found.end());
    std::string all;
    for (const std::string& file : found) all += file + "\n";
    return all;
  }
  void expect_refused(const std::string& words) {
    const std::string before = files();
    const Result<void> opened = open("");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Errc::invalid);
    EXPECT_NE(opened.error().message().find(words), std::string::npos) << opened.error().message();
    EXPECT_TRUE(files() == before);
  }
  std::unique_ptr<sqlite::Database> connect() {
    return std::make_unique<sqlite::Database>(path(), sqlite::Database::Access::read_write, "");
  }
};

TEST_F(Opening, EveryReleasedVersionIsCarriedForward) {
  int versions = 0;
  for (const auto& fixture :
       std::filesystem::directory_iterator(std::string(TEST_DATA) + "/store")) {
    ++versions;
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    run_sql(file_content(fixture.path().string()));
    ASSERT_TRUE(open("")) << fixture.path();
    const auto alice = wait(store_->users().find_by_name("alice"));
    ASSERT_TRUE(alice);
    EXPECT_EQ(alice->groups, std::vector<std::string>{"mooc"});
    EXPECT_EQ(wait(store_->users().credentials(alice->id))->size(), 1U);
    EXPECT_EQ(wait(store_->sessions().of_user(alice->id))->size(), 1U);
    EXPECT_EQ(wait(store_->tokens().find_by_hash("th"))->user, alice->id);
    const auto server = wait(store_->servers().find(alice->id, ""));
    ASSERT_TRUE(server);
    EXPECT_EQ(server->phase, Phase::running);
    EXPECT_EQ(server->upstream, "tcp:127.0.0.1:8888");
    EXPECT_EQ(wait(store_->audit().query({}))->size(), 1U);
    EXPECT_EQ(enter("alice").id, alice->id);
  }
  EXPECT_EQ(versions, static_cast<int>(sqlite::steps().size()));  // one fixture a version
}

TEST_F(Opening, AMigrationCopiesFirstAndKeepsEverything) {
  fill();
  const char* const more[] = {
      sqlite::steps()[0], sqlite::steps()[1],
      sqlite::steps()[2], sqlite::steps()[3],
      sqlite::steps()[4], "ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT ''"};
  ASSERT_TRUE(sqlite::migrate(*connect(), path(), more));
  EXPECT_EQ(connect()->number("PRAGMA user_version"), 6);
  EXPECT_EQ(connect()->number("SELECT count(email) FROM users"), 300);
  const std::string copy = path() + ".v5";
  EXPECT_EQ(std::filesystem::status(copy).permissions(), std::filesystem::perms(0600));
  sqlite::Database old(copy, sqlite::Database::Access::read_only, "");
  EXPECT_EQ(old.number("PRAGMA user_version"), 5);
  EXPECT_EQ(old.number("SELECT count(*) FROM users"), 300);
  expect_refused("newer");  // and this program, which knows one version, leaves it alone
}

TEST_F(Opening, AFailingMigrationChangesNothing) {
  fill();
  for (const char* step :
       {"CREATE TABLE extra (x) STRICT", "CREATE TABLE fine (x TEXT) STRICT; SELECT nonsense",
        "DELETE FROM names"}) {
    const char* const more[] = {sqlite::steps()[0], sqlite::steps()[1], sqlite::steps()[2],
                                sqlite::steps()[3], sqlite::steps()[4], step};
    const auto database = connect();
    EXPECT_FALSE(sqlite::migrate(*database, path(), more)) << step;
    EXPECT_EQ(database->number("PRAGMA user_version"), 5);
    EXPECT_EQ(
        database->number("SELECT count(*) FROM sqlite_schema WHERE name IN ('extra', 'fine')"), 0);
    EXPECT_EQ(database->number("SELECT count(*) FROM names"), 300);
    EXPECT_EQ(database->number("PRAGMA foreign_keys"), 1);
  }
  ASSERT_TRUE(open(""));
}

TEST_F(Opening, ANewerVersionIsRefused) {
  fill();
  run_sql("PRAGMA user_version=99");
  expect_refused("newer passerelle (schema 99, this one knows 5)");
}

TEST_F(Opening, AnotherProgramsDatabaseIsRefused) {
  run_sql("CREATE TABLE users (name)");
  expect_refused("is not a database of passerelle");
}

TEST_F(Opening, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(path()) << std::string(10'000, 'x');
  expect_refused("is damaged");
}

TEST_F(Opening, ScribbledPagesAreRefused) {
  fill();
  std::string bytes = file_content(path());
  ASSERT_GT(bytes.size(), 5U * 4096U);
  for (std::size_t at = 2U * 4096U; at < bytes.size(); at += 4096)
    bytes.replace(at, 200, std::string(200, '\x5a'));
  std::ofstream(path(), std::ios::binary) << bytes;
  expect_refused("nothing was changed");
}

TEST_F(Opening, ATruncatedFileIsRefused) {
  fill();
  std::filesystem::resize_file(path(), 3U * 4096U);
  expect_refused("is damaged");
}

TEST_F(Opening, AnEmptiedFileBesideItsLogIsRefused) {
  std::ofstream(path() + "-wal") << "something";
  std::ofstream(path()) << "";
  std::filesystem::permissions(path(), std::filesystem::perms(0600));
  expect_refused("it is empty");
}

TEST_F(Opening, NowhereToWriteIsSaidWithThePath) {
  std::filesystem::remove_all(folder_);
  const Result<void> opened = open("");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::unavailable);
  EXPECT_NE(opened.error().message().find(path()), std::string::npos);
}

}  // namespace
}  // namespace passerelle::store
