// Landing: what happens between a launch from another site (LTI) and the person's server: the
// server is started by the launch itself, and a browser that keeps no cookies in a frame gets one
// button that opens a tab of ours.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"

namespace passerelle::hub {

/// Good for one landing within a few minutes; in memory only, as the launch can be repeated. The
/// hub's loop only. Bounded: the oldest are forgotten.
class Landings {
 public:
  struct Landing {
    std::string secret;  ///< Of the session.
    seconds lasts{0};
    std::string next;
  };
  static constexpr std::size_t kMost = 10'000;

  explicit Landings(const Clock& clock) : clock_(clock) {}

  /// The ticket, which may stand in an address.
  std::string add(Landing landing);
  /// Null if it is over, was used, or never was.
  const Landing* find(const std::string& ticket);
  std::optional<Landing> take(const std::string& ticket);

 private:
  struct Entry {
    std::string ticket;
    Instant until{};
    Landing landing;
  };
  using Entries = std::list<Entry>;  // oldest first

  void forget_old();

  const Clock& clock_;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> index_;
};

}  // namespace passerelle::hub
