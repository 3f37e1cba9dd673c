// Tickets: what may stand in an address for a moment, good for one use. In memory only: who loses
// one begins again. The hub's loop only. Bounded: the oldest are forgotten.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "base/secrets.hpp"

namespace passerelle::hub {

template <class What>
class Tickets {
 public:
  static constexpr std::size_t kMost = 10'000;

  Tickets(const Clock& clock, seconds lasts) : clock_(clock), lasts_(lasts) {}

  std::string add(What what) {
    std::string ticket = secrets::random_token();
    entries_.push_back({ticket, clock_.now() + lasts_, std::move(what)});
    index_[ticket] = std::prev(entries_.end());
    forget_old();
    return ticket;
  }

  /// Null if it is over, was used, or never was.
  const What* find(const std::string& ticket) {
    forget_old();
    const auto at = index_.find(ticket);
    return at == index_.end() ? nullptr : &at->second->what;
  }

  /// Nothing where find() says null.
  std::optional<What> take(const std::string& ticket) {
    if (find(ticket) == nullptr) return std::nullopt;
    const auto at = index_.find(ticket);
    What what = std::move(at->second->what);
    entries_.erase(at->second);
    index_.erase(at);
    return what;
  }

 private:
  struct Entry {
    std::string ticket;
    Instant until{};
    What what;
  };
  using Entries = std::list<Entry>;  // oldest first

  void forget_old() {
    const Instant now = clock_.now();
    while (!entries_.empty() && (entries_.size() > kMost || entries_.front().until < now)) {
      index_.erase(entries_.front().ticket);
      entries_.pop_front();
    }
  }

  const Clock& clock_;
  seconds lasts_;
  Entries entries_;
  std::unordered_map<std::string, typename Entries::iterator> index_;
};

/// A launch from another site that signed somebody in: a browser that keeps no cookies in a frame
/// gets one button that opens a tab of ours (hub/pages/lti.cpp).
struct Landing {
  std::string secret;  ///< Of the session.
  seconds lasts{0};
  std::string next;
};

/// A way to a person's origin (hub/pages/origin.cpp).
struct Arrival {
  std::string label;
  std::string browser;  ///< SHA-256 (hex) of its arrival cookie
  std::string key;      ///< auth::OriginKeys
  seconds lasts{0};
  std::string next;
};

}  // namespace passerelle::hub
