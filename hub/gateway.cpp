#include "hub/gateway.hpp"

#include <array>

#include "base/text.hpp"
#include "hub/server.hpp"
#include "proxy/cookies.hpp"

namespace passerelle::hub {
namespace {

using proxy::FieldId;

constexpr std::size_t kMostHubBody = 256U << 10U;

const RouteOwner& owner_of(const proxy::Route& route) {
  return *static_cast<const RouteOwner*>(route.for_gate.get());
}

// "?token=" of a WebSocket, for programs that cannot set headers there. It goes on to the server
// with the address, so it counts at servers of its own owner only.
std::string_view token_of_query(const proxy::RequestHead& head) {
  constexpr std::string_view kName = "token=";
  for (const std::string_view pair : text::split(head.query(), '&'))
    if (pair.starts_with(kName)) return pair.substr(kName.size());
  return {};
}

}  // namespace

std::string_view bearer_token(std::string_view authorization) noexcept {
  const std::size_t space = authorization.find(' ');
  if (space == std::string_view::npos) return {};
  const std::string_view scheme = authorization.substr(0, space);
  if (!text::iequals(scheme, "token") && !text::iequals(scheme, "bearer")) return {};
  return text::trim(authorization.substr(space + 1));
}

bool cross_origin(std::string_view method,
                  bool websocket,
                  std::string_view sec_fetch_site,
                  std::string_view origin,
                  std::string_view host) noexcept {
  if (!origin.empty()) {  // "null" too: a sandboxed frame is nobody of ours
    const std::size_t scheme = origin.find("://");
    const bool ours =
        scheme != std::string_view::npos && text::iequals(origin.substr(scheme + 3), host);
    if (!ours) return true;
  }
  const bool safe = !websocket && (method == "GET" || method == "HEAD" || method == "OPTIONS");
  if (safe) return false;
  return !sec_fetch_site.empty() && sec_fetch_site != "same-origin" && sec_fetch_site != "none";
}

Gateway::Gateway(const proxy::RouteTable& routes,
                 const auth::SessionTable& sessions,
                 const auth::TokenTable& tokens,
                 const auth::Cookies& cookies,
                 const Origins& origins,
                 const auth::OriginKeys& origin_keys,
                 const auth::StandIns& stand_ins,
                 std::string base_url)
    : routes_(routes),
      sessions_(sessions),
      tokens_(tokens),
      cookies_(cookies),
      origins_(origins),
      origin_keys_(origin_keys),
      stand_ins_(stand_ins),
      servers_(base_url + "user/"),
      services_(base_url + "services/"),
      arrive_(base_url + "hub/origin/arrive"),
      wormhole_(std::move(base_url) + "hub/wormhole/") {}

proxy::Verdict Gateway::admit(const proxy::RequestHead& head, std::string_view /*peer*/) noexcept {
  if (const std::string_view name = origins_.server_in(head.host()); !name.empty())
    return admit_by_name(head, name);
  if (head.path().starts_with(servers_)) return admit_to_server(head);
  if (head.path().starts_with(services_) && origins_.label_in(head.host()).empty())
    return admit_to_service(head);
  // Whether the job's key is right is seen where it leads to.
  if (head.upgrade_websocket() && head.path().starts_with(wormhole_)) {
    const std::shared_ptr<const proxy::Route>& way = routes_.match(head.path());
    if (way && way->prefix.starts_with(wormhole_)) return proxy::Forward{way, nullptr, nullptr};
  }
  return proxy::ToHub{kMostHubBody, {}};
}

// A service looks after its visitors itself, as JupyterHub's do: it asks us who they are. What
// runs on a session or token of ours still ends with it.
proxy::Verdict Gateway::admit_to_service(const proxy::RequestHead& head) const {
  const std::shared_ptr<const proxy::Route>& route = routes_.match(head.path());
  if (!route) return proxy::ToHub{0, {}};
  proxy::Forward forward{route, nullptr, nullptr};
  const std::string_view authorization = head.value(FieldId::authorization);
  if (const std::string_view bearer = bearer_token(authorization); !bearer.empty()) {
    const auth::TokenPointer token = tokens_.verify(bearer);
    if (!token) return forward;  // nobody's: the service need not see it
    forward.right_ended = {token->life, &token->life->ended()};
    forward.authorization =
        "token " + stand_ins_.make({token->owner().id, token->id, owner_of(*route).server});
    return forward;
  }
  forward.authorization = authorization;  // the service's own business: Basic, say
  const proxy::CookieSearch cookie = proxy::find_cookie(head, cookies_.session_name());
  if (cookie.state != proxy::CookieSearch::State::found) return forward;
  if (const auth::SessionPointer session = sessions_.verify(cookie.value))
    forward.right_ended = {session->life, &session->life->ended()};
  return forward;
}

/// By the hub's cookie at the hub, by this origin's key at a person's origin.
auth::SessionPointer Gateway::session_of(const proxy::RequestHead& head,
                                         std::string_view label) const {
  const proxy::CookieSearch cookie =
      proxy::find_cookie(head, label.empty() ? cookies_.session_name() : cookies_.origin_name());
  if (cookie.state != proxy::CookieSearch::State::found) return nullptr;
  return label.empty() ? sessions_.verify(cookie.value) : origin_keys_.verify(cookie.value, label);
}

proxy::Verdict Gateway::admit_to_server(const proxy::RequestHead& head) const {
  const std::shared_ptr<const proxy::Route>& route = routes_.match(head.path());
  std::string_view label = origins_.label_in(head.host());
  // Whatever a person's origin shows is that person's: its pages hold a key for all that is there.
  if (!label.empty() && !route) return proxy::ToHub{0, reason::kNoRoute};
  if (!label.empty() && !text::iequals(owner_of(*route).label, label))
    return proxy::ToHub{0, reason::kElsewhere};
  if (!label.empty()) label = owner_of(*route).label;  // in lower case
  return admit_along(head, route, label);
}

// All of a server's own name is that server's, but for the place where a browser gets its key.
proxy::Verdict Gateway::admit_by_name(const proxy::RequestHead& head, std::string_view name) const {
  if (head.path() == arrive_) return proxy::ToHub{0, {}};
  std::array<char, Origins::kPrefixRoom> room;
  const std::string_view prefix = Origins::route_prefix(name, room);
  if (prefix.empty()) return proxy::ToHub{0, reason::kNoRoute};
  const std::shared_ptr<const proxy::Route>& route = routes_.match(prefix);
  if (!route) return proxy::ToHub{0, reason::kNoRoute};
  return admit_along(head, route, name);
}

// A refused request's body is never read: a stranger cannot make us take in an upload.
/// `label`: of the origin, in lower case; empty: the hub's. (A browser writes names so; any other
/// spelling has no key.)
proxy::Verdict Gateway::admit_along(const proxy::RequestHead& head,
                                    const std::shared_ptr<const proxy::Route>& route,
                                    std::string_view label) const {
  const auto owns_or_may = [&](const auth::Principal& who) {
    if (route->tag == static_cast<std::uint64_t>(who.account->id) && !who.narrowed) return true;
    const RouteOwner& owner = owner_of(*route);
    return auth::allowed(who, "access:servers",
                         auth::Target::of_server(owner.username, owner.server, owner.groups));
  };
  auth::SessionPointer session;
  auth::TokenPointer token;
  if (const std::string_view bearer = bearer_token(head.value(FieldId::authorization));
      !bearer.empty())
    token = tokens_.verify(bearer);
  if (!token) session = session_of(head, label);
  if (!token && !session && route && head.upgrade_websocket() && owner_of(*route).asks) {
    token = tokens_.verify(token_of_query(head));
    if (token && route->tag != static_cast<std::uint64_t>(token->owner().id)) token = nullptr;
  }
  if (!token && !session) return proxy::ToHub{0, reason::kSignIn};
  if (!route) return proxy::ToHub{0, reason::kNoRoute};
  if (!owns_or_may(token ? token->principal : session->principal))
    return proxy::ToHub{0, reason::kForbidden};
  if (session &&
      cross_origin(head.method(), head.upgrade_websocket(), head.value(FieldId::sec_fetch_site),
                   head.value(FieldId::origin), head.host()))
    return proxy::ToHub{0, reason::kCrossOrigin};
  // A browser must not show it here. A program with a token may have it under either name.
  if (session && label.empty() && origins_.on()) return proxy::ToHub{0, reason::kElsewhere};
  // Shares the life's ownership and points at its flag: nothing is allocated.
  const std::shared_ptr<auth::Life>& life = token ? token->life : session->life;
  proxy::Forward forward{route, {life, &life->ended()}, nullptr};
  if (session && !session->framed_by.empty()) forward.framed_by = {session, &session->framed_by};
  if (token)
    if (const RouteOwner& owner = owner_of(*route); owner.asks)
      forward.authorization = "token " + stand_ins_.make({token->owner().id, token->id,
                                                          owner.username + "/" + owner.server});
  return forward;
}

}  // namespace passerelle::hub
