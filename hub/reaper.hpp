// Reaper: looks after running servers on a timer: stops the unused ones by the cull rules (after
// telling their users), and writes activity. The signal is traffic: HTTP requests and WebSocket
// messages that the proxy carried.
#pragma once

#include "hub/launcher.hpp"

namespace passerelle::hub {

class Reaper {
 public:
  Reaper(Launcher& launcher, const config::Settings& settings, const Clock& clock);

  /// Runs until cancelled.
  Task<void> run();
  /// One round, as at `now`: marks what will stop soon (Server::stops_at), stops what is due.
  Task<void> cull(Instant now);

 private:
  const config::CullRule* rule_for(const Server& server) const;

  Launcher& launcher_;
  const config::Settings& settings_;
  const Clock& clock_;
};

/// When a server with that last activity and start will be stopped by the rule; nothing if it never
/// is.
std::optional<Instant> due(const config::CullRule& rule, Instant started, Instant last_activity);

}  // namespace passerelle::hub
