// Contract: what JupyterHub promises the programs that it starts: the environment that tells them
// where the hub is and who they are, and a token of their own. For profiles with `access:
// jupyterhub`. Hub loop only.
#pragma once

#include <functional>

#include "auth/policy.hpp"
#include "auth/tokens.hpp"
#include "config/settings.hpp"
#include "hub/origins.hpp"
#include "hub/server.hpp"

namespace passerelle::hub {

/// By which a server asks us who comes: "jupyterhub-user-alice", and "-gpu" behind it for a named
/// one. Hyphens of the username are escaped, so that no two servers share one.
std::string client_id_of(std::string_view username, std::string_view server);

class Contract {
 public:
  /// `port`: of the plain HTTP listener, once it is open.
  Contract(const config::Settings& settings,
           const auth::Policy& policy,
           auth::TokenTable& tokens,
           const Origins& origins,
           std::function<std::uint16_t()> port);

  static bool applies(const config::Profile* profile) {
    return profile != nullptr && profile->access == "jupyterhub";
  }

  /// The server's own token works from now on, until leave().
  Result<void> enter(const Server& server, const store::User& owner);
  void leave(const Server& server);

  /// What the program finds in its environment; JUPYTERHUB_SERVICE_URL comes from its spawner.
  std::map<std::string, std::string> environment(const Server& server,
                                                 const config::Profile& profile) const;

  /// Where it has its visitors sent back to: a path, or with `subdomain_host` a whole address.
  std::string callback_url(const Server& server) const;

  /// "http://127.0.0.1:8000/hub/api"
  std::string api_url() const;

 private:
  const config::Settings& settings_;
  const auth::Policy& policy_;
  auth::TokenTable& tokens_;
  const Origins& origins_;
  std::function<std::uint16_t()> port_;
};

}  // namespace passerelle::hub
