#include "hub/app.hpp"

#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/resource.h>

#include "auth/lti_courses.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "config/domain.hpp"
#include "config/rbac.hpp"
#include "config/values.hpp"
#include "hub/keeping.hpp"
#include "hub/methods.hpp"
#include "hub/succession/notify.hpp"

namespace passerelle::hub {
namespace {

// A connection is a descriptor or two: take what the system grants before the first one comes.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log::warn("app", "cannot raise the limit of open files");
}

std::string key_for(const std::vector<std::string>& keys, std::string_view purpose) {
  const secrets::Digest key = secrets::hmac_sha256(keys.front(), purpose);
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

std::size_t depth(std::string_view base_url) {
  return static_cast<std::size_t>(std::count(base_url.begin(), base_url.end(), '/')) - 1;
}

/// Below which servers have names of their own.
std::vector<std::string> server_domains(const config::Settings& settings) {
  std::set<std::string> domains;
  for (const config::Profile& profile : settings.profiles)
    if (std::string domain = config::domain_of(profile); !domain.empty())
      domains.insert(std::move(domain));
  return {domains.begin(), domains.end()};
}

/// People reach us by the host of public_url; without one, only from this machine.
std::vector<std::string> served_hosts(const config::Settings& settings) {
  std::vector<std::string> hosts = settings.proxy.hosts;
  const auto url = config::parse_public_url(settings.public_url);
  hosts.push_back(url ? url->host : "localhost");
  if (!settings.subdomain_host.empty()) hosts.push_back("*." + settings.subdomain_host);
  for (const std::string& domain : server_domains(settings)) hosts.push_back("*." + domain);
  return hosts;
}

}  // namespace

Result<void> App::check(const config::Settings& settings) {
  const auto endpoints = make_endpoints(settings);
  if (!endpoints) return endpoints.error();
  if (settings.rbac)
    if (auto good = auth::check_roles(*settings.rbac); !good) return good;
  const auto renderer =
      web::Renderer::make(settings.base_url, settings.branding, method_pictures(settings));
  if (!renderer) return renderer.error();
  return {};
}

Result<std::unique_ptr<App>> App::build(config::Settings settings, Origin origin) {
  auto made = files::make_directory(settings.data_dir, 0700);
  if (!made) return std::move(made).error();
  auto keys = secrets::load_or_make_keys(settings.data_dir + "/keys");
  if (!keys) return std::move(keys).error();
  auto store = store::open_sqlite(settings.data_dir + "/passerelle.sqlite");
  if (!store) return std::move(store).error();
  auto renderer =
      web::Renderer::make(settings.base_url, settings.branding, method_pictures(settings));
  if (!renderer) return std::move(renderer).error();
  std::unique_ptr<App> app(new App(std::move(settings), std::move(origin), std::move(*store),
                                   std::move(*keys), std::move(*renderer)));
  for (const auto step : {&App::make_authenticators, &App::make_spawners, &App::make_proxy})
    if (auto done = (app.get()->*step)(); !done) return std::move(done).error();
  return app;
}

App::App(config::Settings settings,
         Origin origin,
         std::unique_ptr<store::Store> store,
         std::vector<std::string> keys,
         std::unique_ptr<web::Renderer> renderer)
    : settings_(std::move(settings)),
      origin_(std::move(origin)),
      workers_(kWorkers),
      store_(std::move(store)),
      renderer_(std::move(renderer)),
      sealer_(keys),
      http_(loop_),
      origin_secret_(key_for(keys, "origins")),
      csrf_(key_for(keys, "csrf")),
      cookies_(settings_.public_url, settings_.base_url),
      origins_(settings_.public_url, settings_.subdomain_host, server_domains(settings_)),
      stand_ins_(key_for(keys, "stand-in")),
      throttle_(clock_) {}

App::~App() = default;

Result<void> App::make_authenticators() {
  std::vector<std::string> open;
  for (const config::Authenticator& entry : settings_.authenticators) {
    auth::Surroundings around{store_->users(),
                              workers_,
                              clock_,
                              http_,
                              sealer_,
                              config::origin_of(settings_.public_url),
                              settings_.base_url + "hub/auth/" + entry.name + "/",
                              &store_->nonces(),
                              &store_->kept()};
    auto made = auth::make_authenticator(entry, std::move(around));
    if (!made) return std::move(made).error().within("authenticators." + entry.name);
    if ((*made)->people_choose_names()) open.push_back(entry.name);
    authenticators_.push_back(std::move(*made));
  }
  if (settings_.rbac)
    if (auto good = auth::check_roles(*settings_.rbac); !good) return good;
  policy_ = std::make_unique<auth::Policy>(settings_.access, std::move(open),
                                           auth::Roles(settings_.rbac));
  shares_ = std::make_unique<auth::Shares>(store_->kept(), clock_);
  policy_->count_shares(*shares_);
  sessions_ =
      std::make_unique<auth::SessionTable>(store_->sessions(), csrf_, clock_, settings_.sessions);
  sessions_->ask_frames([this](const auth::SessionView& session) {
    const auth::Authenticator* method = find_authenticator(session.authenticator);
    return method == nullptr ? std::string() : frame_sources(method->framed_by(session.subject));
  });
  origin_keys_ = std::make_unique<auth::OriginKeys>(*sessions_, origin_secret_);
  tokens_ = std::make_unique<auth::TokenTable>(store_->tokens(), clock_);
  sessions_->on_end = [this](const auth::SessionView& session) {
    tokens_->end_of_session(session.account().id, session.id);
  };
  states_ = std::make_unique<auth::States>(store_->identities(), sealer_);
  const auto find = [this](std::string_view name) { return find_authenticator(name); };
  refresher_ = std::make_unique<auth::Refresher>(
      auth::Refresher::Parts{store_->users(), store_->audit(), *sessions_, *tokens_, *policy_,
                             *states_, clock_, find, settings_.sessions.refresh});
  login_ = std::make_unique<auth::Login>(
      auth::Login::Parts{store_->users(), store_->audit(), *sessions_, *tokens_, throttle_,
                         *policy_, clock_, *states_, *refresher_});
  return {};
}

// Groups of the configuration exist and hold those users that are known by now.
Task<Result<void>> App::fill_groups() {
  if (!settings_.rbac) co_return Result<void>();
  for (const config::Group& group : settings_.rbac->groups) {
    const auto there = co_await store_->groups().find(group.name);
    std::vector<store::UserId> missing;
    for (const std::string& name : group.users) {
      const bool in =
          there && std::find(there->users.begin(), there->users.end(), name) != there->users.end();
      if (in) continue;
      const auto user = co_await store_->users().find_by_name(name);
      if (user) missing.push_back(user->id);
    }
    if (there && missing.empty()) continue;
    auto added = co_await store_->groups().add(group.name, std::move(missing));
    if (!added) co_return std::move(added).error();
  }
  co_return Result<void>();
}

auth::Authenticator* App::find_authenticator(std::string_view name) const {
  for (const auto& one : authenticators_)
    if (one->name() == name) return one.get();
  return nullptr;
}

void App::stop_servers_of(const store::User& user, std::string_view reason) {
  for (const ServerPtr& server : launcher_->of_user(user.id)) {
    if (!server->active()) continue;
    StopRequest request;
    request.by = "admin";
    request.detail = "the account may no longer come in: " + std::string(reason);
    request.actor = "gateway";
    auto stopping = [](Launcher& launcher, ServerKey key, StopRequest what) -> Task<void> {
      (void)co_await launcher.stop(std::move(key), std::move(what));
    };
    asio::co_spawn(loop_, stopping(*launcher_, server->key(), std::move(request)), asio::detached);
  }
}

void App::add_entrance(const spawners::Entrance& entrance) {
  auto route = std::make_shared<proxy::Route>();
  route->prefix = settings_.base_url + "hub/wormhole/" + entrance.name + "/";
  route->upstream.kind = Upstream::Kind::unix_socket;
  route->upstream.path = entrance.socket;
  routes_.add(std::move(route));
}

Result<void> App::make_spawners() {
  for (const config::Spawner& entry : settings_.spawners) {
    std::string hub_url = settings_.public_url;
    while (hub_url.ends_with('/')) hub_url.pop_back();
    if (!hub_url.empty()) hub_url += "/hub";
    spawners::Surroundings around{loop_, workers_, settings_.data_dir, {}, std::move(hub_url)};
    auto made = spawners::make_spawner(entry, std::move(around));
    if (!made) return std::move(made).error().within("spawners." + entry.name);
    if (const auto entrance = (*made)->entrance()) add_entrance(*entrance);
    spawners_.emplace(entry.name, std::move(*made));
  }
  const auto access_token = [this](std::string_view name, const auth::AuthState& state) {
    const auth::Authenticator* method = find_authenticator(name);
    return method == nullptr ? std::nullopt : method->access_token(state);
  };
  contract_ = std::make_unique<Contract>(settings_, *policy_, *tokens_, origins_,
                                         [this] { return proxy_->port(); });
  launcher_ = std::make_unique<Launcher>(
      LauncherParts{loop_, settings_, clock_, *store_, sealer_, spawners_, routes_, http_, tally_,
                    *refresher_, *states_, access_token, *contract_, origins_});
  services_ =
      std::make_unique<Services>(Services::Around{loop_, settings_, *policy_, *tokens_, routes_,
                                                  store_->kept(), sealer_, origins_, *contract_});
  if (auto opened = services_->open(); !opened) return opened;
  refresher_->on_put_out = [this](const store::User& user, std::string_view reason) {
    if (settings_.access.block_stops_servers) stop_servers_of(user, reason);
  };
  reaper_ = std::make_unique<Reaper>(*launcher_, settings_, clock_, [this](ServerPtr server) {
    return ask_kernels(http_, spawners_, std::move(server));
  });
  return {};
}

Result<void> App::make_proxy() {
  predecessors_ = std::make_unique<Predecessors>(routes_, *sessions_, *tokens_);
  grades_ = std::make_unique<GradeQueue>(loop_, store_->activities(), authenticators_, clock_);
  parts_ = std::make_unique<Parts>(Parts{
      loop_,      settings_,     clock_,    *store_,    *sessions_, *tokens_,    *shares_,
      csrf_,      cookies_,      *policy_,  *login_,    *states_,   *refresher_, authenticators_,
      *launcher_, *renderer_,    routes_,   proxy_,     tally_,     landings_,   *grades_,
      origins_,   *origin_keys_, arrivals_, stand_ins_, codes_,     *contract_,  *services_});
  desk_ = std::make_unique<FrontDesk>(*parts_);
  gateway_ = std::make_unique<Gateway>(routes_, *sessions_, *tokens_, cookies_, origins_,
                                       *origin_keys_, stand_ins_, settings_.base_url);
  proxy::ProxySettings settings;
  settings.limits = settings_.proxy;
  auto endpoints = make_endpoints(settings_);
  if (!endpoints) return std::move(endpoints).error();
  settings.endpoints = std::move(*endpoints);
  if (origin_.inheritance) {
    if (const auto& tls = settings.endpoints.front().tls)
      tls->take_keys(origin_.inheritance->ticket_keys);
    for (proxy::Endpoint& relayed : relayed_endpoints(settings_))
      settings.endpoints.push_back(std::move(relayed));
  }
  certificates_ =
      std::make_unique<CertificateKeeper>(settings_.https, settings.endpoints.front().tls);
  settings.hosts = served_hosts(settings_);
  settings.via = settings_.proxy.via;
  settings.trusted_proxies = settings_.trusted_proxies;
  settings.proxy_protocol = settings_.proxy_protocol;
  settings.own_cookies = {"passerelle-", "__Host-passerelle-", "__Secure-passerelle-"};
  for (const config::Authenticator& one : settings_.authenticators) {
    if (one.type != "header") continue;
    const auto trusted = config::trusted_headers(one.header);
    settings.stripped_headers.insert(settings.stripped_headers.end(), trusted.begin(),
                                     trusted.end());
  }
  settings.guarded_segments = 2 + depth(settings_.base_url);
  settings.access_log = settings_.log.access;
  proxy_ = std::make_unique<proxy::Proxy>(std::move(settings), *gateway_, *desk_);
  return {};
}

Result<void> App::run(const std::function<void(std::uint16_t port)>& listening) {
  raise_descriptor_limit();
  bool failed = false;
  std::string why;
  asio::co_spawn(loop_, serve_until_signal(failed, why, listening), asio::detached);
  for (loop_.run(); replacement_ && replacement_->successor; loop_.run()) {
    Result<Link> handed_over = hand_over();
    if (handed_over) live_on(std::move(*handed_over));
    resume(handed_over.error());
  }
  if (failed) return Error(Errc::unavailable, why);
  return {};
}

Task<void> App::serve_until_signal(bool& failed,
                                   std::string& why,
                                   const std::function<void(std::uint16_t)>& listening) {
  asio::signal_set signals(loop_, SIGTERM, SIGINT);
  auto restored = co_await restore();
  auto started = restored ? begin_serving() : Result<void>(restored.error());
  if (!started) {
    if (origin_.inheritance) origin_.inheritance->refuse(started.error().message());
    failed = true;
    why = started.error().message();
    loop_.stop();
    co_return;
  }
  tally_.took("hub_startup", "", tally_.started);
  asio::co_spawn(loop_, predecessors_->run(), asio::detached);
  asio::co_spawn(loop_, listen_to_signals(), asio::detached);
  asio::co_spawn(loop_, reaper_->run(), asio::detached);
  asio::co_spawn(loop_, grades_->run(), asio::detached);
  asio::co_spawn(loop_, keep_house(), asio::detached);
  asio::co_spawn(loop_, certificates_->keep(), asio::detached);
  asio::co_spawn(loop_, certificates_->listen_to_signal(loop_), asio::detached);
  listening(proxy_->port());
  notify_service_manager("READY=1");
  boost::system::error_code ignored;
  const int signal =
      co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  log::info("app", "stopping", {{"signal", signal}, {"drain_s", settings_.proxy.drain.count()}});
  // A second signal ends us at once: whoever waits has seen enough.
  signals.async_wait([](const boost::system::error_code& error, int) {
    if (!error) ::_exit(130);
  });
  co_await shut_down();
  signals.cancel();
  loop_.stop();
}

/// When this returns well, we are the gateway. Waits for nothing on the loop: what restore() began
/// must not go on before take_over().
Result<void> App::begin_serving() {
  Inheritance* const inheritance = origin_.inheritance.get();
  auto opened = proxy_->open(inheritance ? std::exchange(inheritance->sockets, {})
                                         : std::vector<proxy::ListeningSockets>());
  if (!opened) return opened;
  if (inheritance)
    if (auto ours = inheritance->take_over(); !ours) return ours;
  if (auto started = proxy_->start(); !started) return started;
  auto controlled = open_control();
  const auto services = services_->start();
  if (!inheritance) return controlled ? services : controlled;
  if (!controlled)  // there is no way back
    log::error("app", "no commands are taken", {{"why", controlled.error().message()}});
  if (!services)
    log::error("app", "a service does not start", {{"why", services.error().message()}});
  predecessors_->add(std::exchange(inheritance->predecessors, {}));
  origin_.inheritance.reset();
  return {};
}

// The proxy drains on a thread of its own, because requests to the hub still want this loop.
Task<void> App::shut_down() {
  const seconds drain = settings_.proxy.drain;
  co_await services_->stop();
  if (settings_.stop_servers_on_exit) {
    StopRequest request{
        .by = "exit", .detail = "the gateway ended", .actor = "gateway", .peer = ""};
    co_await launcher_->stop_all(std::move(request));
  }
  predecessors_->stop(drain);
  proxy::Proxy* proxy = proxy_.get();
  std::function<Result<void>()> stop = [proxy, drain] {
    proxy->stop(drain);
    return Result<void>();
  };
  (void)co_await workers_.run(std::move(stop));
  const auto patience = std::chrono::steady_clock::now() + drain + seconds(2);
  while (!predecessors_->none() && std::chrono::steady_clock::now() < patience)
    co_await sleep_for(milliseconds(10));
  co_await launcher_->save_activity();
  (void)co_await sessions_->sweep();
  (void)co_await tokens_->sweep();
}

Task<Result<void>> App::restore() {
  auto filled = co_await fill_groups();
  if (!filled) co_return std::move(filled).error();
  auto users = co_await store_->users().all();
  if (!users) co_return std::move(users).error();
  auto shared = co_await shares_->load();
  if (!shared) co_return shared;
  // Sessions ask who may frame them: what authenticators keep must be there before.
  for (const auto& method : authenticators_)
    if (auto* courses = dynamic_cast<auth::lti::Courses*>(method.get())) {
      auto opened = co_await courses->open_courses();
      if (!opened) co_return opened;
    }
  auto sessions = co_await sessions_->load(*users, *policy_);
  if (!sessions) co_return std::move(sessions).error();
  std::function<bool(const std::string&)> is_open = [this](const std::string& id) {
    return sessions_->open(id);
  };
  auto tokens = co_await tokens_->load(*users, *policy_, std::move(is_open));
  if (!tokens) co_return std::move(tokens).error();
  auto services = co_await services_->load();
  if (!services) co_return services;
  services_->end_strangers(*users);
  const auto began = Tally::Clock::now();
  auto servers = co_await launcher_->restore();
  if (!servers) co_return servers;
  tally_.took("init_spawners", "", began);
  auto kept = co_await load_kept(*store_, *launcher_, clock_.now());
  co_return kept;
}

Result<void> App::open_control() {
  Control::Replace on_replace = [this](std::string what, Control::Tell tell) {
    asio::co_spawn(loop_, replace(std::move(what), std::move(tell)), asio::detached);
  };
  auto control = Control::make(*parts_, *predecessors_, std::move(on_replace));
  if (!control) return std::move(control).error();
  control_ = std::move(*control);
  asio::co_spawn(loop_, control_->serve(), asio::detached);
  return {};
}

Task<void> App::keep_house() {
  for (;;) {
    co_await sleep_for(seconds(60));
    auto sessions = co_await sessions_->sweep();
    auto tokens = co_await tokens_->sweep();
    co_await refresher_->refresh_old();
    if (!sessions || !tokens)
      log::warn("app", "could not write down when sessions and tokens were used");
  }
}

}  // namespace passerelle::hub
