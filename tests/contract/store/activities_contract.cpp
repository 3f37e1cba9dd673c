// ActivityStore and KeptStore: a launch makes the row, the newest score is the one that counts, and
// what waits is found again after a restart.
#include "store_contract.hpp"

namespace passerelle::store {
namespace {

Instant at(int second) {
  return from_micros(std::int64_t{1'700'000'000} * 1'000'000) + seconds(second);
}

Activity activity(std::string link = "rl-1") {
  Activity one;
  one.authenticator = "moodle";
  one.platform = "campus";
  one.link = std::move(link);
  one.context = "c1";
  one.title = "TP 1";
  one.user_id = "5";
  one.grade_url = "https://lms.example/li/4";
  one.grade_reference = "5";
  return one;
}

Score score(std::int64_t points, int second) {
  return {points * kScoreUnit, 20 * kScoreUnit, "bien", "teacher", at(second)};
}

class ActivityContract : public StoreContract {
 protected:
  UserId person(const std::string& name) {
    NewUser wanted;
    wanted.authenticator = "moodle";
    wanted.subject = name;
    wanted.wanted_username = name;
    return wait(store_->users().enter(wanted, false))->user.id;
  }
  ActivityId opened(UserId user, const Activity& what = activity()) {
    EXPECT_TRUE(wait(store_->activities().note(user, what, at(0))));
    const auto rows = wait(store_->activities().of_user(user));
    for (const ActivityRow& row : *rows)
      if (row.activity.link == what.link) return row.id;
    return 0;
  }
  ActivityRow row(ActivityId id) { return wait(store_->activities().find(id)).value(); }
};

TEST_P(ActivityContract, ALaunchIsOneRowThatKeepsItsFirstTime) {
  const UserId zoe = person("zoe");
  const ActivityId id = opened(zoe);
  Activity again = activity();
  again.title = "TP 1 bis";
  EXPECT_TRUE(wait(store_->activities().note(zoe, again, at(60))));
  const ActivityRow now = row(id);
  EXPECT_EQ(now.activity, again);
  EXPECT_EQ(now.first_seen, at(0));
  EXPECT_EQ(now.last_seen, at(60));
  EXPECT_EQ(now.username, "zoe");
  EXPECT_EQ(now.delivery.state, GradeState::none);
  EXPECT_NE(opened(person("max")), id);
  EXPECT_EQ(wait(store_->activities().of_course(std::nullopt, 10))->size(), 2U);
  const ActivityStore::Course course{"moodle", "campus", "c1"};
  EXPECT_EQ(wait(store_->activities().of_course(course, 10))->size(), 2U);
  const ActivityStore::Course other{"moodle", "campus", "c2"};
  EXPECT_TRUE(wait(store_->activities().of_course(other, 10))->empty());
}

TEST_P(ActivityContract, ScoresWaitOverARestart) {
  const ActivityId id = opened(person("zoe"));
  EXPECT_FALSE(*wait(store_->activities().next_due()));
  EXPECT_TRUE(wait(store_->activities().grade(id, score(17, 10))));
  EXPECT_TRUE(wait(store_->activities().due(at(9), 10))->empty());
  EXPECT_EQ(*wait(store_->activities().next_due()), at(10));
  reopen();
  const auto due = wait(store_->activities().due(at(10), 10));
  ASSERT_EQ(due->size(), 1U);
  EXPECT_EQ(due->front().score, score(17, 10));
  EXPECT_EQ(wait(store_->activities().grade(id + 100, score(1, 1))).error().code(),
            Errc::not_found);
}

TEST_P(ActivityContract, ManyOfOnePlatformHideNobodyElses) {
  for (const std::string name : {"zoe", "max", "amy"})
    EXPECT_TRUE(wait(store_->activities().grade(opened(person(name)), score(1, 10))));
  Activity elsewhere = activity("rl-2");
  elsewhere.platform = "other";
  EXPECT_TRUE(wait(store_->activities().grade(opened(person("kif"), elsewhere), score(1, 11))));
  const auto due = wait(store_->activities().due(at(12), 2));
  ASSERT_EQ(due->size(), 3U);
  EXPECT_EQ(due->front().activity.platform, "campus");
  EXPECT_EQ(due->back().activity.platform, "other");
}

TEST_P(ActivityContract, TheNewestScoreIsTheOneThatCounts) {
  const ActivityId id = opened(person("zoe"));
  EXPECT_TRUE(wait(store_->activities().grade(id, score(10, 10))));
  Delivery old = row(id).delivery;
  EXPECT_TRUE(wait(store_->activities().grade(id, score(20, 11))));
  old.state = GradeState::sent;
  EXPECT_TRUE(wait(store_->activities().settle(id, old)));
  EXPECT_EQ(row(id).delivery.state, GradeState::pending) << "the older one's end means nothing";
  EXPECT_EQ(row(id).score, score(20, 11));
  Delivery outcome = row(id).delivery;
  outcome.attempts = 3;
  outcome.next_try = at(100);
  outcome.detail = "status 503";
  EXPECT_TRUE(wait(store_->activities().settle(id, outcome)));
  EXPECT_TRUE(wait(store_->activities().due(at(99), 10))->empty());
  EXPECT_EQ(row(id).delivery.detail, "status 503");
  outcome.state = GradeState::sent;
  outcome.settled = at(101);
  EXPECT_TRUE(wait(store_->activities().settle(id, outcome)));
  EXPECT_TRUE(wait(store_->activities().due(at(1000), 10))->empty());
  EXPECT_TRUE(wait(store_->activities().note(row(id).user, activity(), at(200))));
  EXPECT_EQ(row(id).delivery.state, GradeState::sent) << "a launch changes no grade";
}

TEST_P(ActivityContract, RowsGoWithTheirPerson) {
  const UserId zoe = person("zoe");
  const ActivityId id = opened(zoe);
  EXPECT_TRUE(wait(store_->users().erase(zoe)));
  EXPECT_EQ(wait(store_->activities().find(id)).error().code(), Errc::not_found);
}

TEST_P(ActivityContract, WhatIsKeptStays) {
  KeptStore& kept = store_->kept();
  EXPECT_EQ(wait(kept.find("a", "k")).error().code(), Errc::not_found);
  EXPECT_EQ(*wait(kept.put_first("a", "k", "one")), "one");
  EXPECT_EQ(*wait(kept.put_first("a", "k", "two")), "one");
  EXPECT_TRUE(wait(kept.put("a", "k", "three")));
  EXPECT_TRUE(wait(kept.put("b", "k", "other")));
  reopen();
  EXPECT_EQ(*wait(store_->kept().find("a", "k")), "three");
  EXPECT_EQ(wait(store_->kept().all("a"))->size(), 1U);
  EXPECT_TRUE(wait(store_->kept().erase("a", "k")));
  EXPECT_TRUE(wait(store_->kept().erase("a", "k")));
  EXPECT_TRUE(wait(store_->kept().all("a"))->empty());
}

INSTANTIATE_TEST_SUITE_P(Sqlite,
                         ActivityContract,
                         testing::Values(Factory{"sqlite", open_sqlite}),
                         [](const auto& made) { return made.param.name; });

}  // namespace
}  // namespace passerelle::store
