// How many users there are, without reading them: for metrics, which are asked for all the time.
#pragma once

#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "store/store.hpp"

namespace passerelle::store {

struct UserCounts {
  std::size_t all = 0;
  std::vector<std::size_t> active;  ///< One for each of `periods`.
};

/// Who counts as active: whoever was seen since then, and those users anyway.
struct ActivePeriod {
  Instant since{};
  std::vector<UserId> also;
};

/// Of a store that open_sqlite() made.
Task<Result<UserCounts>> count_users(Store& store, std::vector<ActivePeriod> periods);

}  // namespace passerelle::store
