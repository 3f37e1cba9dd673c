#include "hub/grades.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/log.hpp"
#include "hub/methods.hpp"

namespace passerelle::hub {
namespace {

using Kind = auth::Delivered::Kind;

constexpr std::size_t kAtOnce = 50;        // of one platform, looked at in one round
constexpr std::size_t kMostPlatforms = 8;  // at the same time
constexpr seconds kFirstWait{15};          // doubles with every attempt
constexpr seconds kLongestWait{3600};
constexpr std::chrono::hours kGivenUp{72};
constexpr seconds kRest{15};
constexpr seconds kLongestSleep{60};

seconds wait_after(int attempts) {
  const int doublings = std::min(attempts, 8);
  return std::min(kLongestWait, kFirstWait * (1 << doublings));
}

std::string platform_of(const store::Activity& activity) {
  return activity.authenticator + "/" + activity.platform;
}

void tell(Kind kind,
          const std::string& platform,
          const std::string& username,
          const store::Delivery& outcome) {
  const char* words = kind == Kind::taken   ? "the platform has the grade"
                      : kind == Kind::later ? "a grade will be sent again"
                                            : "a grade was not taken";
  log::write(kind == Kind::taken ? log::Level::info : log::Level::warn, "grades", words,
             {{"platform", platform},
              {"user", username},
              {"attempt", outcome.attempts},
              {"why", outcome.detail}});
}

}  // namespace

void GradeQueue::nudge() {
  nudged_ = true;
  timer_.cancel();
}

Task<void> GradeQueue::run() {
  for (;;) {
    nudged_ = false;
    co_await send_due();
    co_await wait();
  }
}

Task<void> GradeQueue::wait() {
  seconds sleep = kLongestSleep;
  auto next = co_await store_.next_due();
  if (next && *next) {
    const auto until = std::chrono::duration_cast<seconds>(**next - clock_.now()) + seconds(1);
    sleep = std::clamp(until, seconds(1), kLongestSleep);
  }
  if (nudged_) co_return;
  timer_.expires_after(sleep);
  boost::system::error_code ignored;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Task<void> GradeQueue::send_due() {
  const Instant now = clock_.now();
  std::erase_if(resting_, [now](const auto& entry) { return entry.second <= now; });
  auto due = co_await store_.due(now, kAtOnce);
  if (!due) {
    log::warn("grades", "the store could not tell what is to be sent",
              {{"why", due.error().message()}});
    co_return;
  }
  std::map<std::string, std::vector<store::ActivityRow>> by_platform;
  for (store::ActivityRow& row : *due) {
    std::string platform = platform_of(row.activity);
    if (!resting_.contains(platform) && !under_way_.contains(platform))
      by_platform[std::move(platform)].push_back(std::move(row));
  }
  for (auto& [platform, rows] : by_platform) {
    if (under_way_.size() >= kMostPlatforms) break;
    under_way_.insert(platform);
    asio::co_spawn(loop_, send_all(platform, std::move(rows)), asio::detached);
  }
}

Task<void> GradeQueue::send_all(std::string platform, std::vector<store::ActivityRow> rows) {
  for (store::ActivityRow& row : rows) {
    if (resting_.contains(platform)) break;
    co_await send(std::move(row));
  }
  under_way_.erase(platform);  // what is still due is seen within a second
}

Task<auth::Delivered> GradeQueue::deliver(store::ActivityRow row) {
  for (const auto& method : authenticators_)
    if (method->name() == row.activity.authenticator) {
      auth::Delivered outcome = co_await method->deliver(std::move(row));
      co_return outcome;
    }
  co_return auth::Delivered{Kind::refused, "the sign-in method is configured no more"};
}

Task<void> GradeQueue::send(store::ActivityRow row) {
  store::Delivery outcome = row.delivery;
  const store::ActivityId id = row.id;
  const std::string platform = platform_of(row.activity);
  const Instant given = row.score.given;
  const std::string username = row.username;
  auth::Delivered delivered = co_await deliver(std::move(row));
  const Instant now = clock_.now();
  outcome.attempts += 1;
  outcome.detail = std::move(delivered.detail);
  if (delivered.kind == Kind::later && now - given > kGivenUp) delivered.kind = Kind::refused;
  if (delivered.kind == Kind::later) {
    outcome.next_try = now + wait_after(outcome.attempts - 1);
    resting_[platform] = now + kRest;
  } else {
    outcome.state =
        delivered.kind == Kind::taken ? store::GradeState::sent : store::GradeState::failed;
    outcome.settled = now;
  }
  tell(delivered.kind, platform, username, outcome);
  auto settled = co_await store_.settle(id, std::move(outcome));
  // It goes out once more then: platforms take the same score twice.
  if (!settled)
    log::warn("grades", "the store could not note what became of a grade",
              {{"why", settled.error().message()}});
}

}  // namespace passerelle::hub
