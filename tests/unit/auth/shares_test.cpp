#include "auth/shares.hpp"

#include <functional>
#include <utility>

#include "auth/policy.hpp"
#include "auth/session.hpp"
#include "world.hpp"

namespace passerelle::auth {
namespace {

using namespace testing;
using Texts = std::vector<std::string>;

const SharedServer kAlices{"alice", ""};
const std::string kAccess = "access:servers!server=alice/";
const std::string kRead = "read:servers!server=alice/";

// A disk that is busy: something else happens before a write is told to be done.
class BusyKept final : public store::KeptStore {
 public:
  std::function<Task<Result<void>>()> meanwhile;

  Task<Result<std::string>> find(std::string owner, std::string name) override {
    return kept_.find(std::move(owner), std::move(name));
  }
  Task<Result<void>> put(std::string owner, std::string name, std::string value) override {
    auto done = co_await kept_.put(std::move(owner), std::move(name), std::move(value));
    const auto step = std::exchange(meanwhile, nullptr);
    if (!step) co_return done;
    auto other = co_await step();
    co_return other;
  }
  Task<Result<std::string>> put_first(std::string owner,
                                      std::string name,
                                      std::string value) override {
    return kept_.put_first(std::move(owner), std::move(name), std::move(value));
  }
  Task<Result<std::vector<std::pair<std::string, std::string>>>> all(std::string owner) override {
    return kept_.all(std::move(owner));
  }
  Task<Result<void>> erase(std::string owner, std::string name) override {
    return kept_.erase(std::move(owner), std::move(name));
  }

 private:
  MemoryKept kept_;
};

struct Sharing : ::testing::Test {
  StillClock clock;
  MemoryKept kept;
  Shares shares{kept, clock};

  Texts scopes_of(const std::string& name, const Texts& groups = {}) const {
    Texts scopes;
    shares.give(name, groups, scopes);
    return scopes;
  }
};

TEST_F(Sharing, gives_to_a_person_and_to_a_group_and_takes_back) {
  ASSERT_TRUE(wait(shares.grant(kAlices, {false, "bob"}, {kRead, kAccess})));
  ASSERT_TRUE(wait(shares.grant(kAlices, {true, "class"}, {kAccess})));
  EXPECT_EQ(scopes_of("bob"), (Texts{kAccess, kRead}));
  EXPECT_EQ(scopes_of("carla", {"class"}), Texts{kAccess});
  EXPECT_EQ(scopes_of("class"), Texts()) << "a person of that name is not the group";
  EXPECT_EQ(scopes_of("dora", {"bob"}), Texts());
  const auto left = wait(shares.revoke(kAlices, {false, "bob"}, {kRead}));
  ASSERT_TRUE(left && *left);
  EXPECT_EQ((*left)->scopes, Texts{kAccess});
  EXPECT_EQ(scopes_of("bob"), Texts{kAccess});
  const auto none = wait(shares.revoke(kAlices, {false, "bob"}, {}));
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  EXPECT_EQ(scopes_of("bob"), Texts());
  ASSERT_TRUE(wait(shares.revoke_all(kAlices)));
  EXPECT_EQ(scopes_of("carla", {"class"}), Texts());
}

TEST_F(Sharing, outlives_a_restart_with_its_codes) {
  ASSERT_TRUE(wait(shares.grant(kAlices, {false, "bob"}, {kAccess})));
  const auto made = wait(shares.make_code(kAlices, {kAccess}, std::chrono::hours(1)));
  ASSERT_TRUE(made);
  Shares again(kept, clock);
  ASSERT_TRUE(wait(again.load()));
  EXPECT_EQ(again.with({false, "bob"}).size(), 1U);
  ASSERT_TRUE(again.find_code(made->code));
  EXPECT_FALSE(again.find_code(made->code + "x"));
  const auto next = wait(again.make_code(kAlices, {kAccess}, std::chrono::hours(1)));
  EXPECT_GT(next->kept.number, made->kept.number);
  clock.pass(std::chrono::hours(1));
  EXPECT_FALSE(again.find_code(made->code)) << "it is over";
  EXPECT_TRUE(again.codes_of_owner("alice").empty());
}

TEST_F(Sharing, ends_in_memory_even_if_the_disk_is_full) {
  ASSERT_TRUE(wait(shares.grant(kAlices, {false, "bob"}, {kAccess})));
  kept.broken = true;
  EXPECT_FALSE(wait(shares.grant(kAlices, {false, "eve"}, {kAccess})));
  EXPECT_EQ(scopes_of("eve"), Texts());
  EXPECT_FALSE(wait(shares.revoke(kAlices, {false, "bob"}, {})));
  EXPECT_EQ(scopes_of("bob"), Texts());
}

TEST(BusySharing, what_is_taken_back_while_it_is_written_stays_so) {
  StillClock clock;
  BusyKept kept;
  Shares shares(kept, clock);
  const Grantee bob{false, "bob"};
  const auto take_all = [&]() -> Task<Result<void>> {
    auto had = co_await shares.revoke_all(kAlices);
    if (!had) co_return had.error();
    co_return Result<void>();
  };
  kept.meanwhile = take_all;
  (void)wait(shares.grant(kAlices, bob, {kAccess}));
  EXPECT_FALSE(shares.find(kAlices, bob));
  const auto made = wait(shares.make_code(kAlices, {kAccess}, std::chrono::hours(1)));
  ASSERT_TRUE(made);
  kept.meanwhile = take_all;
  (void)wait(shares.count_exchange(made->kept.number));
  EXPECT_FALSE(shares.find_code(made->code));
}

TEST_F(Sharing, goes_with_whoever_is_removed) {
  const SharedServer bobs{"bob", ""};
  ASSERT_TRUE(wait(shares.grant(kAlices, {false, "bob"}, {kAccess})));
  ASSERT_TRUE(wait(shares.grant(bobs, {false, "alice"}, {"access:servers!server=bob/"})));
  const auto had = wait(shares.forget_user("alice"));
  ASSERT_TRUE(had);
  EXPECT_EQ(had->size(), 1U);
  EXPECT_EQ(scopes_of("bob"), Texts());
  EXPECT_EQ(scopes_of("alice"), Texts());
  EXPECT_TRUE(shares.of_owner("bob").empty());
}

TEST_F(Sharing, has_a_bound) {
  for (int n = 0; n < 100; ++n)
    ASSERT_TRUE(wait(shares.make_code(kAlices, {kAccess}, std::chrono::hours(1))));
  const auto more = wait(shares.make_code(kAlices, {kAccess}, std::chrono::hours(1)));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code(), Errc::exhausted);
  clock.pass(std::chrono::hours(2));
  EXPECT_TRUE(wait(shares.make_code(kAlices, {kAccess}, std::chrono::hours(1))));
}

TEST_F(Sharing, counts_in_the_policy) {
  config::Access access;
  access.allow.everyone = true;
  Policy policy(access, {});
  policy.count_shares(shares);
  ASSERT_TRUE(wait(shares.grant(kAlices, {false, "bob"}, {kAccess})));
  const auto admitted = policy.admit(Person{"room", "bob", "bob", {}});
  EXPECT_EQ(std::get<Admitted>(admitted).scopes, (Texts{"self", kAccess}));
}

TEST(LostRights, are_scopes_or_being_an_administrator) {
  Account before;
  before.scopes = {"self", kAccess};
  Account after = before;
  EXPECT_FALSE(lost_rights(before, after));
  after.scopes = {kAccess, "self", kRead};
  EXPECT_FALSE(lost_rights(before, after));
  after.scopes = {"self"};
  EXPECT_TRUE(lost_rights(before, after));
  after = before;
  after.admin = true;
  EXPECT_FALSE(lost_rights(before, after));
  EXPECT_TRUE(lost_rights(after, before));
}

}  // namespace
}  // namespace passerelle::auth
