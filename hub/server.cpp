#include "hub/server.hpp"

namespace passerelle::hub {

Instant last_activity(const Server& server) {
  if (!server.route) return server.record.last_activity;
  const Instant seen =
      from_micros(server.route->last_activity.load(std::memory_order_relaxed) * 1'000'000);
  return std::max(seen, server.record.last_activity);
}

}  // namespace passerelle::hub
