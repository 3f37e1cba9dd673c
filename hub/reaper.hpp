// Reaper: looks after running servers on a timer: stops the unused ones by the cull rules (after
// telling their users), and writes activity. The signal is traffic: HTTP requests and WebSocket
// messages that the proxy carried; and before a server is stopped as idle, its kernels are asked
// whether they compute.
#pragma once

#include <functional>
#include <map>

#include "hub/kernels.hpp"
#include "hub/launcher.hpp"

namespace passerelle::hub {

class Reaper {
 public:
  using AskKernels = std::function<Task<KernelWork>(ServerPtr)>;
  Reaper(Launcher& launcher,
         const config::Settings& settings,
         const Clock& clock,
         AskKernels ask_kernels);

  /// Runs until cancelled.
  Task<void> run();
  /// One round, as at `now`: marks what will stop soon (Server::stops_at), stops what is due.
  Task<void> cull(Instant now);

 private:
  /// What a server's kernels said, in one launch of it.
  struct Inquiry {
    std::string launch;
    bool under_way = false;
    int unanswered = 0;             ///< In a row.
    std::optional<Instant> rested;  ///< Its kernels did not compute then.
    std::optional<Instant> busy;    ///< One did: that counts as use.
  };

  const config::CullRule* rule_for(const Server& server) const;
  Instant used_last(const Server& server, const config::CullRule& rule) const;
  bool rests(const ServerPtr& server, Instant now, const asio::any_io_executor& executor);
  Task<void> inquire(ServerPtr server);
  void forget_ended();

  Launcher& launcher_;
  const config::Settings& settings_;
  const Clock& clock_;
  const AskKernels ask_kernels_;
  std::map<ServerKey, Inquiry> inquiries_;
  int asking_ = 0;
};

/// When a server with that last activity and start will be stopped by the rule; nothing if it never
/// is.
std::optional<Instant> due(const config::CullRule& rule, Instant started, Instant last_activity);

}  // namespace passerelle::hub
