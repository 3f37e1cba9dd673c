// App: builds every long-lived object in order, owns them all, runs them, and takes them down in
// reverse, or hands over to another process (succession.cpp). It only composes: what happens to a
// request or a launch stands elsewhere.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "auth/csrf.hpp"
#include "auth/policy.hpp"
#include "auth/throttle.hpp"
#include "base/worker_pool.hpp"
#include "hub/control.hpp"
#include "hub/front_desk.hpp"
#include "hub/gateway.hpp"
#include "hub/grades.hpp"
#include "hub/listening.hpp"
#include "hub/oauth/codes.hpp"
#include "hub/parts.hpp"
#include "hub/reaper.hpp"
#include "hub/services/services.hpp"
#include "hub/succession/inheritance.hpp"
#include "hub/succession/successor.hpp"
#include "proxy/proxy.hpp"

namespace passerelle::hub {

class App {
 public:
  /// Where we come from, and how another process in our place is started.
  struct Origin {
    Program program;
    std::shared_ptr<Inheritance> inheritance;  ///< Null: we follow nobody. Accepted otherwise.
  };

  /// What can be said of the settings without touching what a running gateway has.
  static Result<void> check(const config::Settings& settings);
  /// Opens the database, makes authenticators and spawners; starts nothing. Errors are for the
  /// person who starts us.
  static Result<std::unique_ptr<App>> build(config::Settings settings, Origin origin);
  ~App();

  /// Takes up what an earlier process left, opens the listener, and serves until SIGTERM or SIGINT,
  /// or until another process has taken over and our last connection has ended: then it does not
  /// return, but ends the process.
  Result<void> run(const std::function<void(std::uint16_t port)>& listening);

 private:
  static constexpr std::size_t kWorkers = 4;

  App(config::Settings settings,
      Origin origin,
      std::unique_ptr<store::Store> store,
      std::vector<std::string> keys,
      std::unique_ptr<web::Renderer> renderer);

  Result<void> make_authenticators();
  Task<Result<void>> fill_groups();
  Result<void> make_spawners();
  void add_entrance(const spawners::Entrance& entrance);
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
  Result<void> begin_serving();

  // Another process in our place (hub/succession.cpp).
  Task<void> replace(std::string what, Control::Tell tell);
  Task<Result<Successor>> find_successor(bool upgrade);
  Task<Result<void>> come_to_rest();
  Task<void> listen_to_signals();
  bool finish_writing();
  Result<Link> hand_over();
  [[noreturn]] void live_on(Link link);
  void resume(const Error& why);

  /// The hub's loop; everything that waits on it can be ended while its objects stay.
  struct Loop : asio::io_context {
    Loop() : asio::io_context(1) {}
    void end() { shutdown(); }
  };
  struct Replacement {
    std::string what;
    Control::Tell tell;
    std::vector<Right> rights;           ///< That connections of ours still run on.
    std::optional<Successor> successor;  ///< Set when the loop has stopped for it.
  };

  // In order of construction; destroyed in reverse.
  const config::Settings settings_;
  Origin origin_;
  std::optional<Replacement> replacement_;  ///< One is under way.
  SystemClock clock_;
  Loop loop_;
  asio::io_context aside_{1};  ///< For what is awaited while the loop stands still.
  WorkerPool workers_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<web::Renderer> renderer_;
  secrets::Sealer sealer_;
  HttpClient http_;
  const std::string origin_secret_;
  auth::Csrf csrf_;
  auth::Cookies cookies_;
  Origins origins_;
  auth::StandIns stand_ins_;
  OAuthCodes codes_{clock_};
  auth::Throttle throttle_;
  Authenticators authenticators_;
  std::unique_ptr<auth::Shares> shares_;
  std::unique_ptr<auth::Policy> policy_;
  std::unique_ptr<auth::SessionTable> sessions_;
  std::unique_ptr<auth::OriginKeys> origin_keys_;
  std::unique_ptr<auth::TokenTable> tokens_;
  std::unique_ptr<auth::States> states_;
  std::unique_ptr<auth::Refresher> refresher_;
  std::unique_ptr<auth::Login> login_;
  SpawnerMap spawners_;
  proxy::RouteTable routes_;
  Tally tally_;
  Tickets<Landing> landings_{clock_, seconds(300)};
  Tickets<Arrival> arrivals_{clock_, seconds(60)};
  std::unique_ptr<GradeQueue> grades_;
  std::unique_ptr<Contract> contract_;
  std::unique_ptr<Launcher> launcher_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<Reaper> reaper_;
  std::unique_ptr<Predecessors> predecessors_;
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<FrontDesk> desk_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<proxy::Proxy> proxy_;
  std::unique_ptr<CertificateKeeper> certificates_;
  std::unique_ptr<Control> control_;
};

}  // namespace passerelle::hub
