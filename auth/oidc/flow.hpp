// A flow: one way to the provider and back, in one tab. All there is to know of it travels in a
// cookie of its own, sealed: so two tabs do not disturb each other, a restart or an upgrade of the
// gateway loses no flow, and whoever starts flows by the million fills no memory of ours. That each
// comes back once only is kept in memory, for ten minutes: after a restart the provider's own rule
// (a code is good once) and the cookie, which the first answer cleared, still hold.
#pragma once

#include <map>
#include <string>

#include "auth/authenticator.hpp"

namespace passerelle::auth::oidc {

inline constexpr seconds kFlowLasts{600};

struct Flow {
  std::string state;     ///< Public; names the cookie.
  std::string nonce;     ///< Comes back in the id_token.
  std::string verifier;  ///< PKCE, RFC 7636.
  std::string next;      ///< Where the person wanted to go.
  Instant started{};
  /// RFC 7636, 4.2, S256.
  std::string challenge() const;
};

/// One loop only.
class Flows {
 public:
  /// `authenticator`: a flow opens under the name it was sealed under only (mix-up).
  Flows(const std::string& authenticator, const secrets::Sealer& sealer, const Clock& clock)
      : purpose_("oidc-flow:" + authenticator), sealer_(sealer), clock_(clock) {}

  Flow begin(std::string next) const;
  /// The new flow's cookie. Clears the oldest when the browser has five (or 4 kB) under way, and
  /// those that are over.
  OwnCookies cookies_for(const Flow& flow, const std::map<std::string, std::string>& present) const;
  /// Ends the flow `state`, which must be this browser's and come back for the first time in time.
  /// Errc::not_found: not this browser's, or over; Errc::conflict: it came back before.
  Result<Flow> take(const std::string& state, const std::map<std::string, std::string>& present);
  /// Clears the flow's cookie.
  static OwnCookies cleared(const std::string& state);

 private:
  std::optional<Flow> open(const std::string& sealed) const;
  void forget_old();

  std::string purpose_;
  const secrets::Sealer& sealer_;
  const Clock& clock_;
  std::map<std::string, Instant> used_;  // by state, until it is over anyhow
};

}  // namespace passerelle::auth::oidc
