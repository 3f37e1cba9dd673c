// When a job would start, asked of the scheduler before it is submitted, as the person: their
// limits count. Answers are kept for a moment: a page that is shown again asks nothing.
#include "spawners/batch/batch.hpp"
#include "spawners/batch/request.hpp"

namespace passerelle::spawners::batch {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMostTold = 256;
constexpr std::chrono::seconds kFresh{20};

}  // namespace

bool BatchSpawner::forecasts() const noexcept {
  return !cluster_->adapter().estimate(Wish()).empty();
}

Task<Result<Forecast>> BatchSpawner::forecast(ServerSpec spec) {
  static const config::BatchProfile usual;
  const config::BatchProfile& profile = spec.profile.batch ? *spec.profile.batch : usual;
  const auto account = account_of(batch_.system_user, spec);
  if (!account) co_return account.error();
  const auto wish = wish_of(batch_, profile, spec, prefix_ + "forecast");
  if (!wish) co_return wish.error();
  const std::string question = *account + to_json(*wish).dump();
  const auto now = steady_clock::now();
  std::erase_if(told_, [now](const auto& entry) { return now - entry.second.at > kFresh; });
  if (const auto known = told_.find(question); known != told_.end()) co_return known->second.what;
  const auto estimate = co_await cluster_->estimate(*wish, *account);
  if (!estimate) co_return estimate.error();
  Forecast forecast;
  if (estimate->starts) forecast.starts = Instant(estimate->starts->time_since_epoch());
  forecast.refused = estimate->refused;
  if (told_.size() < kMostTold) told_[question] = {steady_clock::now(), forecast};
  co_return forecast;
}

}  // namespace passerelle::spawners::batch
