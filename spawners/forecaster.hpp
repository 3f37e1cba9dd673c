// What some spawners can say before anything is submitted: when a server would start. An interface
// of its own, so that spawners without a queue need not know of it.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/task.hpp"

namespace passerelle::spawners {

struct ServerSpec;

struct Forecast {
  std::optional<Instant> starts;  ///< At the latest about then; none: nobody knows.
  std::string refused;            ///< It would be refused, in the site's own words
};

class Forecaster {
 public:
  virtual ~Forecaster() = default;
  /// False: only a job in the queue is told its start.
  virtual bool forecasts() const noexcept = 0;
  /// From memory if it was asked lately, else after a few seconds at most. Cause::values_invalid as
  /// start(). Errc::unavailable and Errc::timeout: ask again. The hub's loop only.
  virtual Task<Result<Forecast>> forecast(ServerSpec spec) = 0;
};

}  // namespace passerelle::spawners
