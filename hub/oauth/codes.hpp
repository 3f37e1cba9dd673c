// Codes: what a browser carries from our authorize page to the one who asked, and that one changes
// for a token (RFC 6749, 4.1). One-shot, for five minutes, in memory only: after a restart the
// dance begins again by itself. Hub loop only. Bounded: the oldest are forgotten.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "store/records.hpp"

namespace passerelle::hub {

class OAuthCodes {
 public:
  struct Grant {
    std::string client;
    std::string redirect_uri;
    store::UserId user = 0;
    std::string session;  ///< SessionView::id: a token outlives it not.
    std::vector<std::string> scopes;
    std::string challenge;  ///< PKCE, S256 (RFC 7636); empty: none was sent.
  };
  static constexpr std::size_t kMost = 10'000;

  explicit OAuthCodes(const Clock& clock) : clock_(clock) {}

  std::string add(Grant grant);
  /// Nothing if it is over, was taken, or never was. Whoever asks, it is used up.
  std::optional<Grant> take(const std::string& code);

 private:
  struct Entry {
    Instant until{};
    Grant grant;
  };
  void forget_old();

  const Clock& clock_;
  std::unordered_map<std::string, Entry> entries_;  // by SHA-256 of the code
  std::deque<std::string> order_;                   // oldest first; taken ones are in it still
};

}  // namespace passerelle::hub
