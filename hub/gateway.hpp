// Gateway: the proxy's Gate. Says for each request whether it may go to a server, from the
// snapshots of routes, sessions and tokens, on the proxy's thread; whatever it does not forward,
// the hub answers.
#pragma once

#include <string>

#include "auth/cookies.hpp"
#include "auth/origin_keys.hpp"
#include "auth/permissions.hpp"
#include "auth/session.hpp"
#include "auth/stand_in.hpp"
#include "auth/tokens.hpp"
#include "hub/origins.hpp"
#include "proxy/gate.hpp"
#include "proxy/route_table.hpp"

namespace passerelle::hub {

/// Why a request for a server was not forwarded: HubRequest::reason.
namespace reason {
inline constexpr std::string_view kNoRoute = "no-route";     ///< Nothing runs there.
inline constexpr std::string_view kSignIn = "sign-in";       ///< Nobody is signed in.
inline constexpr std::string_view kForbidden = "forbidden";  ///< Somebody else's server.
inline constexpr std::string_view kCrossOrigin =
    "cross-origin";  ///< Another site's page asked, with our cookie.
inline constexpr std::string_view kElsewhere = "elsewhere";  ///< It stands at another origin.
}  // namespace reason

class Gateway final : public proxy::Gate {
 public:
  /// All outlive it.
  Gateway(const proxy::RouteTable& routes,
          const auth::SessionTable& sessions,
          const auth::TokenTable& tokens,
          const auth::Cookies& cookies,
          const Origins& origins,
          const auth::OriginKeys& origin_keys,
          const auth::StandIns& stand_ins,
          std::string base_url);

  proxy::Verdict admit(const proxy::RequestHead& head, std::string_view peer) noexcept override;

 private:
  proxy::Verdict admit_to_server(const proxy::RequestHead& head) const;
  proxy::Verdict admit_by_name(const proxy::RequestHead& head, std::string_view name) const;
  proxy::Verdict admit_along(const proxy::RequestHead& head,
                             const std::shared_ptr<const proxy::Route>& route,
                             std::string_view label) const;
  auth::SessionPointer session_of(const proxy::RequestHead& head, std::string_view label) const;
  proxy::Verdict admit_to_service(const proxy::RequestHead& head) const;

  const proxy::RouteTable& routes_;
  const auth::SessionTable& sessions_;
  const auth::TokenTable& tokens_;
  const auth::Cookies& cookies_;
  const Origins& origins_;
  const auth::OriginKeys& origin_keys_;
  const auth::StandIns& stand_ins_;
  std::string servers_;   ///< base_url + "user/"
  std::string services_;  ///< base_url + "services/"
  std::string arrive_;    ///< base_url + "hub/origin/arrive", ours at every origin
  std::string wormhole_;  ///< base_url + "hub/wormhole/": servers that connect to us
};

/// The token of "Authorization: token X" or "Bearer X" (any case), or empty.
std::string_view bearer_token(std::string_view authorization) noexcept;

/// Whether a page of another origin may be behind this request, so that a cookie proves nothing.
/// Browsers say so by Sec-Fetch-Site, older ones by Origin; `no-cors` and absence are no excuse for
/// unsafe methods (CVE-2026-40864).
bool cross_origin(std::string_view method,
                  bool websocket,
                  std::string_view sec_fetch_site,
                  std::string_view origin,
                  std::string_view host) noexcept;

}  // namespace passerelle::hub
