// Grades on their way back to courses. What is to be sent stands in the store
// (store/activities.hpp) until the platform has it: a restart forgets nothing, and of several
// scores for one person and activity only the newest goes.
#pragma once

#include <map>
#include <set>
#include <string>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/authenticator.hpp"
#include "hub/parts.hpp"

namespace passerelle::hub {

/// The hub's loop only.
class GradeQueue {
 public:
  /// All outlive it.
  GradeQueue(asio::io_context& loop,
             store::ActivityStore& store,
             const Authenticators& authenticators,
             const Clock& clock)
      : loop_(loop), store_(store), authenticators_(authenticators), clock_(clock), timer_(loop) {}

  /// Something new is to be sent.
  void nudge();
  /// Sends what is due, for ever.
  Task<void> run();

 private:
  Task<void> send_due();
  Task<void> send_all(std::string platform, std::vector<store::ActivityRow> rows);
  Task<void> send(store::ActivityRow row);
  Task<auth::Delivered> deliver(store::ActivityRow row);
  Task<void> wait();

  asio::io_context& loop_;
  store::ActivityStore& store_;
  const Authenticators& authenticators_;
  const Clock& clock_;
  asio::steady_timer timer_;
  bool nudged_ = false;
  // Platforms are sent to side by side, each of them one grade at a time; one that does not answer
  // is left alone for a while.
  std::set<std::string> under_way_;
  std::map<std::string, Instant> resting_;
};

}  // namespace passerelle::hub
