// App: builds every long-lived object in order, owns them all, runs them, and takes them down in
// reverse. It only composes: what happens to a request or a launch stands elsewhere.
#pragma once

#include <memory>
#include <vector>

#include "auth/csrf.hpp"
#include "auth/policy.hpp"
#include "auth/throttle.hpp"
#include "base/worker_pool.hpp"
#include "hub/control.hpp"
#include "hub/front_desk.hpp"
#include "hub/gateway.hpp"
#include "hub/listening.hpp"
#include "hub/parts.hpp"
#include "hub/reaper.hpp"
#include "proxy/proxy.hpp"

namespace passerelle::hub {

class App {
 public:
  /// Opens the database, makes authenticators and spawners; starts nothing. Errors are for the
  /// person who starts us.
  static Result<std::unique_ptr<App>> build(config::Settings settings);
  ~App();

  /// Takes up what an earlier process left, opens the listener, and serves until SIGTERM or SIGINT.
  Result<void> run(const std::function<void(std::uint16_t port)>& listening);

 private:
  App(config::Settings settings,
      std::unique_ptr<store::Store> store,
      std::vector<std::string> keys,
      std::unique_ptr<web::Renderer> renderer);

  Result<void> make_authenticators();
  Result<void> make_spawners();
  auth::Authenticator* find_authenticator(std::string_view name) const;
  void stop_servers_of(const store::User& user, std::string_view reason);
  Result<void> make_proxy();
  Task<Result<void>> restore();
  Result<void> open_control();
  Task<void> keep_house();
  Task<void> serve_until_signal(bool& failed,
                                std::string& why,
                                const std::function<void(std::uint16_t)>& listening);
  Task<void> shut_down();

  // In order of construction; destroyed in reverse.
  const config::Settings settings_;
  SystemClock clock_;
  asio::io_context loop_{1};
  WorkerPool workers_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<web::Renderer> renderer_;
  secrets::Sealer sealer_;
  HttpClient http_;
  auth::Csrf csrf_;
  auth::Cookies cookies_;
  auth::Throttle throttle_;
  Authenticators authenticators_;
  std::unique_ptr<auth::Policy> policy_;
  std::unique_ptr<auth::SessionTable> sessions_;
  std::unique_ptr<auth::TokenTable> tokens_;
  std::unique_ptr<auth::States> states_;
  std::unique_ptr<auth::Refresher> refresher_;
  std::unique_ptr<auth::Login> login_;
  SpawnerMap spawners_;
  proxy::RouteTable routes_;
  Tally tally_;
  std::unique_ptr<Launcher> launcher_;
  std::unique_ptr<Reaper> reaper_;
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<FrontDesk> desk_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<proxy::Proxy> proxy_;
  std::unique_ptr<CertificateKeeper> certificates_;
  std::unique_ptr<Control> control_;
};

}  // namespace passerelle::hub
