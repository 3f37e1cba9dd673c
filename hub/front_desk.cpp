#include "hub/front_desk.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/log.hpp"
#include "hub/answers.hpp"
#include "hub/gateway.hpp"
#include "hub/methods.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub {
namespace {

bool unsafe(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

/// As metrics name it: the pattern. One name is JupyterHub's own, by which its dashboards leave out
/// a stream that lasts as long as a launch.
std::string_view handler_name(const Call& call) {
  if (call.endpoint == nullptr) return "none";
  if (call.endpoint->handler == api::progress)
    return "jupyterhub.apihandlers.users.SpawnProgressAPIHandler";
  return call.endpoint->pattern;
}

/// JupyterHub's status of a sign-in; empty when this was no attempt at one.
std::string_view sign_in_status(const Call& call, const Answer& given) {
  if (call.endpoint == nullptr || !given) return "";
  const Handler handler = call.endpoint->handler;
  if (handler != pages::authenticator && handler != pages::lti_launch &&
      handler != pages::lti13_callback)
    return "";
  constexpr std::string_view kName = "passerelle-session=";
  for (const std::string& cookie : call.set_cookies) {
    const std::size_t at = cookie.find(kName);
    if (at != std::string::npos && cookie.substr(at + kName.size(), 1) != ";") return "success";
  }
  constexpr int kRefused = 400;
  return given->status >= kRefused ? "failure" : "";
}

}  // namespace

void FrontDesk::handle(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply) noexcept {
  constexpr int kUnavailable = 503;
  if (under_way_.fetch_add(1) >= kMostAtOnce || closed_) {
    under_way_.fetch_sub(1);
    reply->send({kUnavailable, {{"Content-Type", "text/plain"}, {"Retry-After", "2"}}, "busy\n"});
    return;
  }
  asio::post(parts_.loop, [this, request = std::move(request), reply = std::move(reply)]() mutable {
    asio::co_spawn(parts_.loop, serve(std::move(request), std::move(reply)), asio::detached);
  });
}

Task<void> FrontDesk::serve(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply) {
  constexpr int kOk = 200;
  const auto began = Tally::Clock::now();
  Call call;
  call.request = std::move(request);
  call.reply = std::move(reply);
  remember(call.reply);
  Answer given;
  std::string thrown;
  try {
    read(call);
    authenticate(call);
    given = co_await answer(call);
  } catch (const std::exception& error) {
    thrown = error.what();
  }
  if (!thrown.empty()) {
    constexpr int kInternal = 500;
    log::error("hub", "a handler threw", {{"path", call.request.path}, {"why", thrown}});
    given = problem(parts_, call, kInternal);
  }
  parts_.tally.request(call.request.method, handler_name(call), given ? given->status : kOk, began);
  if (const std::string_view status = sign_in_status(call, given); !status.empty())
    parts_.tally.took("login", status, began);
  if (call.endpoint != nullptr && call.endpoint->handler == pages::sign_out)
    parts_.tally.took("logout", "", began);
  if (given) {
    dress(call, *given);
    call.reply->send(std::move(*given));
  }
  under_way_.fetch_sub(1);
}

void FrontDesk::remember(const std::shared_ptr<proxy::HubReply>& reply) {
  if (replies_.size() == replies_.capacity())
    std::erase_if(replies_, [](const auto& known) { return known.expired(); });
  replies_.push_back(reply);
}

void FrontDesk::close() {
  closed_ = true;
  for (const auto& known : replies_)
    if (const auto reply = known.lock()) reply->finish();
}

Task<Answer> FrontDesk::answer(Call& call) {
  constexpr int kForbidden = 403;
  constexpr int kNotAllowed = 405;
  constexpr int kNotFound = 404;
  // A server's page would govern the pages beside it by a worker of ours; we have none.
  if (!call.request.header("service-worker").empty()) co_return problem(parts_, call, kForbidden);
  Found found = find_endpoint(call.request.method, call.path);
  call.args = std::move(found.args);
  const bool file = found.endpoint != nullptr && found.endpoint->handler == pages::static_file;
  if (!call.label.empty() && !file) {
    auto answering =
        call.at_server ? pages::server_name(parts_, call) : pages::persons_origin(parts_, call);
    Answer given = co_await std::move(answering);
    co_return given;
  }
  if (found.endpoint == nullptr) {
    // A service that does not answer: no page of ours stands at its address.
    constexpr int kUnavailable = 503;
    const bool silent = call.request.reason.starts_with("upstream-");
    proxy::HubResponse nothing = problem(parts_, call,
                                         silent                ? kUnavailable
                                         : found.allow.empty() ? kNotFound
                                                               : kNotAllowed);
    if (!found.allow.empty()) nothing.headers.emplace_back("Allow", found.allow);
    co_return nothing;
  }
  // OPTIONS alone is every path's.
  const bool known = !found.allow.empty() && found.allow != "OPTIONS";
  if (found.endpoint->handler == api::unknown && known) {
    proxy::HubResponse other = api_error(kNotAllowed, "Method Not Allowed");
    other.headers.emplace_back("Allow", found.allow);
    co_return other;
  }
  call.endpoint = found.endpoint;
  if (auto refused = check_guard(*found.endpoint, call)) co_return std::move(*refused);
  Answer given = co_await found.endpoint->handler(parts_, call);
  co_return given;
}

void FrontDesk::read(Call& call) const {
  const std::string& base = parts_.settings.base_url;
  call.label = text::ascii_lower(parts_.origins.server_in(call.request.host));
  call.at_server = !call.label.empty();
  if (!call.at_server) call.label = text::ascii_lower(parts_.origins.label_in(call.request.host));
  call.path = call.request.path.starts_with(base) ? call.request.path.substr(base.size() - 1) : "";
  if (auto query = text::parse_form(call.request.query)) call.query = std::move(*query);
  if (call.request.header("content-type").starts_with("application/x-www-form-urlencoded"))
    if (auto form = text::parse_form(call.request.body)) call.form = std::move(*form);
  const auto language = auth::find_cookie(call.request.header("cookie"), web::kLanguageCookie);
  call.language = web::negotiate(call.request.header("accept-language"), language.value_or(""));
}

void FrontDesk::authenticate(Call& call) const {
  if (const std::string_view bearer = bearer_token(call.request.header("authorization"));
      !bearer.empty()) {
    if (const auth::TokenPointer token = parts_.tokens.verify(bearer)) {
      call.principal = token->principal;
      call.token = token;
    } else if (const auto meant = parts_.stand_ins.read(bearer)) {
      stand_in(call, *meant);
    }
    call.by_token = true;  // a wrong token is not rescued by a cookie
    return;
  }
  const std::string_view cookies = call.request.header("cookie");
  if (call.label.empty()) {
    const auto secret = auth::find_cookie(cookies, parts_.cookies.session_name());
    if (secret) call.session = parts_.sessions.verify(*secret);
  } else {
    const auto key = auth::find_cookie(cookies, parts_.cookies.origin_name());
    if (key) call.session = parts_.origin_keys.verify(*key, call.label);
  }
  if (!call.session) return;
  call.principal = call.session->principal;
  call.csrf = call.session->csrf;
}

// Whoever shows it knows a token's owner, and may be told that they may use that one server.
void FrontDesk::stand_in(Call& call, const auth::StandIns::Meant& meant) const {
  const auth::TokenPointer token = parts_.tokens.find(meant.user, meant.token);
  if (!token || (token->expires && parts_.clock.now() >= *token->expires)) return;
  // A service's route has a name without a slash.
  const bool service = meant.server.find('/') == std::string::npos;
  const std::string access =
      (service ? "access:services!service=" : "access:servers!server=") + meant.server;
  auth::Principal shown = token->principal;
  const std::string_view owner =
      shown.account->service ? std::string_view() : shown.account->username;
  auth::ScopeSet one;
  for (const std::string_view scope :
       {std::string_view(access), std::string_view("read:users:name!user"),
        std::string_view("read:users:groups!user")})
    (void)one.add(scope, owner);
  const auto may = [&](const auth::Target& target) {
    return auth::allowed(token->principal, "access:services", target);
  };
  // The gate asked for servers before it was made; a service asks us now.
  if (service && !may(auth::Target::of_service(meant.server))) return;
  shown.rights = one;
  shown.narrowed = std::move(one);
  call.principal = std::move(shown);
}

std::optional<proxy::HubResponse> FrontDesk::check_guard(const Endpoint& endpoint,
                                                         Call& call) const {
  constexpr int kForbidden = 403;
  if (endpoint.guard == Guard::open) return std::nullopt;
  if (!call.principal || (endpoint.guard == Guard::page && !call.session)) {
    if (endpoint.guard == Guard::api)
      return api_error(kForbidden, "Missing or invalid credentials.");
    std::string here =
        call.request.path + (call.request.query.empty() ? "" : "?" + call.request.query);
    if (!call.is_get()) here = parts_.settings.base_url + "hub/home";
    return redirect(parts_.settings.base_url + "hub/login?next=" + text::percent_encode(here));
  }
  if (!forged(endpoint, call)) return std::nullopt;
  log::warn("hub", "refused a request that another site may have made",
            {{"path", call.request.path}, {"user", call.username()}});
  if (endpoint.guard == Guard::api)
    return api_error(kForbidden, "XSRF check failed: send the _xsrf token, from our own pages");
  return problem(parts_, call, kForbidden,
                 parts_.renderer.messages().text(call.language, "error.stale-form"));
}

// A request that changes something and rests on a cookie needs our origin and the session's own
// token.
bool FrontDesk::forged(const Endpoint& endpoint, const Call& call) const {
  if (call.by_token || !call.session) return false;
  const proxy::HubRequest& request = call.request;
  const bool from_elsewhere = cross_origin(request.method, false, request.header("sec-fetch-site"),
                                           request.header("origin"), request.host);
  if (!unsafe(request.method)) return endpoint.guard == Guard::api && from_elsewhere;
  if (from_elsewhere) return true;
  std::string_view presented = request.header("x-xsrftoken");
  if (presented.empty()) presented = text::field(call.form, web::kCsrfField);
  if (presented.empty()) presented = text::field(call.query, web::kCsrfField);
  return !parts_.csrf.check(call.session->id, presented);
}

// The platforms that this answer may be shown by: those of the method that answers, else those that
// the session's own person comes from. Empty: nobody.
std::string FrontDesk::frame_ancestors(const Call& call) const {
  std::vector<std::string> origins;
  for (const auth::Authenticator* method : call.framed_by)
    for (std::string& origin : method->framed_by({})) origins.push_back(std::move(origin));
  if (call.framed_by.empty() && call.session)
    if (const auth::Authenticator* own = find_method(parts_, call.session->authenticator))
      origins = own->framed_by(call.session->subject);
  return frame_sources(origins, call.framed_by_us);
}

void FrontDesk::dress(const Call& call, proxy::HubResponse& response) const {
  auto& headers = response.headers;
  const std::string framed_by = frame_ancestors(call);
  // The answer to a form may lead on to a server at its own origin.
  std::string posts_to = call.posts_to;
  if (const std::string servers = parts_.origins.everybody(); !servers.empty())
    posts_to.append(posts_to.empty() ? "" : " ").append(servers);
  headers.emplace_back(
      "Content-Security-Policy",
      web::content_security_policy(framed_by.empty() ? "'none'" : framed_by, posts_to));
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  headers.emplace_back("Referrer-Policy", "same-origin");
  headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  headers.emplace_back("Cross-Origin-Resource-Policy",
                       framed_by.empty() ? "same-origin" : "cross-origin");
  headers.emplace_back("X-JupyterHub-Version", std::string(kJupyterHubVersion));
  for (const std::string& cookie : call.set_cookies) headers.emplace_back("Set-Cookie", cookie);
}

}  // namespace passerelle::hub
