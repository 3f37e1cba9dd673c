// Parts: what handlers stand on. App (hub/app.hpp) builds and owns all of it and hands out this one
// bundle of references; everything is used on the hub's loop only.
#pragma once

#include <memory>
#include <vector>

#include "auth/authenticator.hpp"
#include "auth/cookies.hpp"
#include "auth/csrf.hpp"
#include "auth/login.hpp"
#include "auth/origin_keys.hpp"
#include "auth/session.hpp"
#include "auth/shares.hpp"
#include "auth/stand_in.hpp"
#include "auth/tokens.hpp"
#include "hub/launcher.hpp"
#include "hub/origins.hpp"
#include "hub/tally.hpp"
#include "hub/tickets.hpp"
#include "web/render.hpp"

namespace passerelle::proxy {
class Proxy;
}

namespace passerelle::hub {

class GradeQueue;
class OAuthCodes;
class Services;

using Authenticators = std::vector<std::unique_ptr<auth::Authenticator>>;

/// The hub version that we present to API clients and servers (reference: 5.x is what tools expect
/// today).
inline constexpr std::string_view kJupyterHubVersion = "5.2.1";

struct Parts {
  asio::io_context& loop;
  const config::Settings& settings;
  const Clock& clock;
  store::Store& store;
  auth::SessionTable& sessions;
  auth::TokenTable& tokens;
  auth::Shares& shares;
  const auth::Csrf& csrf;
  const auth::Cookies& cookies;
  const auth::Policy& policy;
  auth::Login& login;
  auth::States& states;
  auth::Refresher& refresher;
  const Authenticators& authenticators;
  Launcher& launcher;
  web::Renderer& renderer;
  const proxy::RouteTable& routes;
  const std::unique_ptr<proxy::Proxy>& proxy;  ///< Stands before the first request comes.
  Tally& tally;
  Tickets<Landing>& landings;
  GradeQueue& grades;
  const Origins& origins;
  const auth::OriginKeys& origin_keys;
  Tickets<Arrival>& arrivals;
  const auth::StandIns& stand_ins;
  OAuthCodes& codes;
  const Contract& contract;
  Services& services;
};

}  // namespace passerelle::hub
