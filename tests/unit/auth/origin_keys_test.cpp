#include "auth/origin_keys.hpp"

#include <gtest/gtest.h>

#include "tests/unit/auth/world.hpp"

namespace passerelle::auth {
namespace {

using testing::wait;

class OriginKeysTest : public ::testing::Test {
 protected:
  SessionPointer sign_in(store::UserId id) {
    SessionTable::Issue request;
    request.account =
        make_account(testing::user(id, "u" + std::to_string(id)), Admitted{{}, false});
    return wait(table.issue(std::move(request))).value().session;
  }

  testing::StillClock clock;
  testing::MemorySessions rows;
  Csrf csrf{std::string(32, 'k')};
  config::Sessions times{std::chrono::hours(24), std::chrono::hours(24 * 14)};
  SessionTable table{rows, csrf, clock, times};
  OriginKeys keys{table, std::string(32, 'o')};
};

TEST_F(OriginKeysTest, AKeyIsGoodForItsLabelOnly) {
  const auto session = sign_in(1);
  const std::string key = keys.make(*session, "alice");
  EXPECT_EQ(key.size(), 64U);
  EXPECT_EQ(keys.verify(key, "alice"), session);
  for (const char* other : {"bob", "alic", "alicea", "", "Alice"})
    EXPECT_EQ(keys.verify(key, other), nullptr) << other;
}

TEST_F(OriginKeysTest, NothingElseIsOne) {
  const auto session = sign_in(1);
  const auto other = sign_in(2);
  const std::string key = keys.make(*session, "alice");
  for (std::size_t i = 0; i < key.size(); ++i) {
    std::string changed = key;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(keys.verify(changed, "alice"), nullptr) << i;
  }
  const std::string theirs = keys.make(*other, "alice");
  EXPECT_EQ(keys.verify(theirs.substr(0, 43) + key.substr(43), "alice"), nullptr);
  for (const std::string& text : {std::string(), key + "A", key.substr(1), std::string(64, '='),
                                  std::string(1'000'000, 'A'), session->id})
    EXPECT_EQ(keys.verify(text, "alice"), nullptr);
  EXPECT_EQ(OriginKeys(table, std::string(32, 'p')).verify(key, "alice"), nullptr);
}

TEST_F(OriginKeysTest, ItEndsWithItsSession) {
  const auto session = sign_in(1);
  const std::string key = keys.make(*session, "alice");
  ASSERT_TRUE(wait(table.revoke(session->id)));
  EXPECT_EQ(keys.verify(key, "alice"), nullptr);
  const auto idle = sign_in(2);
  const std::string second = keys.make(*idle, "bob");
  clock.pass(std::chrono::hours(23));
  EXPECT_TRUE(keys.verify(second, "bob"));  // counts as use
  clock.pass(std::chrono::hours(23));
  EXPECT_TRUE(keys.verify(second, "bob"));
  clock.pass(std::chrono::hours(24));
  EXPECT_FALSE(keys.verify(second, "bob"));
}

}  // namespace
}  // namespace passerelle::auth
