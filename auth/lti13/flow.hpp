// What binds a platform's answer to the browser that we sent there (LTI Security Framework 5.1.1;
// OpenID Connect Core 3.1.2.1): the state carries, sealed, what we must know again; a cookie for
// each flow holds the secret that belongs to it, and so does a frame of the platform's where it
// offers one (LTI postMessage Storage 0.1). Several flows at once are normal: a page of a course
// shows several activities.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "auth/authenticator.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth::lti13 {

inline constexpr seconds kFlowLasts{600};

/// A login initiation, as the platform sent it. Nothing in it is signed.
struct Initiation {
  std::string issuer;
  std::string client_id;
  std::string login_hint;
  std::string message_hint;
  std::string target;
  std::string storage;  ///< The frame that keeps things for us; empty: there is none.
};

struct Flow {
  std::string id;
  std::string key;  ///< What the platform's frame keeps the secret under.
  std::string nonce;
  std::string binding;  ///< Digest of the cookie's secret.
  Initiation began;
  Instant started{};
};

/// The hub's loop only; keeps nothing.
class Flows {
 public:
  Flows(const secrets::Sealer& sealer, const Clock& clock, std::string purpose)
      : sealer_(sealer), clock_(clock), purpose_(std::move(purpose)) {}

  struct Begun {
    std::string state;
    std::string nonce;
    std::string secret;  ///< For the platform's frame, below `key`; the cookie has it too.
    std::string key;
    OwnCookies cookies;  ///< With those that clear the oldest of too many under way.
  };
  /// `present`: the browser's cookies of ours. Errc::exhausted: the hints are too long to carry.
  Result<Begun> begin(Initiation initiation, const std::map<std::string, std::string>& present);

  /// None: no state of ours, or too old.
  std::optional<Flow> open(std::string_view state) const;
  /// Whether the browser is the one that the flow began in.
  bool bound(const Flow& flow, const std::map<std::string, std::string>& present) const;
  /// The same by what the platform's frame has kept. Only of a request that one of our own pages
  /// sends: a page of anybody else's could send what another browser's frame keeps.
  bool proved(const Flow& flow, std::string_view secret) const;
  /// Clears the flow's cookie.
  OwnCookies done(const Flow& flow) const;

 private:
  const secrets::Sealer& sealer_;
  const Clock& clock_;
  std::string purpose_;
};

}  // namespace passerelle::auth::lti13
