// Services: programs that speak our API with a token of their own, and may ask us who their
// visitors are. Those of the configuration, of which we start some ourselves (`command`), and those
// that administrators add while we run (POST /hub/api/services/NAME), which are stored. Hub loop
// only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "auth/policy.hpp"
#include "auth/tokens.hpp"
#include "base/secrets.hpp"
#include "config/rbac.hpp"
#include "hub/contract.hpp"
#include "hub/services/process.hpp"
#include "proxy/route_table.hpp"
#include "store/activities.hpp"

namespace passerelle::hub {

class Services {
 public:
  struct Around {
    asio::io_context& loop;
    const config::Settings& settings;
    const auth::Policy& policy;
    auth::TokenTable& tokens;
    proxy::RouteTable& routes;
    store::KeptStore& kept;
    const secrets::Sealer& sealer;
    const Origins& origins;
    const Contract& contract;
  };

  struct Service {
    config::Service config;                   ///< `api_token` is never empty.
    bool configured = true;                   ///< False: it was added while we ran.
    std::string info = "{}";                  ///< JSON of whoever added it; unread here.
    bool display = true;                      ///< Lists of services may show it.
    std::unique_ptr<ServiceProcess> process;  ///< Managed ones.
  };
  using Map = std::map<std::string, Service, std::less<>>;

  explicit Services(Around around) : around_(around) {}

  /// Those of the configuration: their tokens work, their routes stand.
  Result<void> open();
  /// Those that were added before; after open(). One that the configuration has by now is
  /// forgotten.
  Task<Result<void>> load();
  /// Ends what these users gave to services that are no more; after load() and the tokens.
  void end_strangers(const std::vector<store::User>& users);
  /// Starts what we start, once our listeners are open. Errc::invalid names a user that is not
  /// there.
  Result<void> start();
  /// Ends what we started; returns when all of it is gone.
  Task<void> stop();
  /// The same when another process has followed us and starts its own: waits for nothing.
  void leave();
  void finish_leaving();  ///< After it, before this process ends.

  const Service* find(std::string_view name) const;
  const Map& all() const noexcept { return all_; }

  /// Stored when it returns. Errc::conflict: there is one of that name, or somebody has that token;
  /// Errc::invalid: an address, scope or name that cannot be; Errc::exhausted: 1000 were added.
  Task<Result<void>> add(Service service);
  /// Its token, its visitors' tokens and its route end at once. Errc::not_found; Errc::forbidden
  /// for one of the configuration.
  Task<Result<void>> remove(std::string name);

 private:
  Result<void> enter(Service service);
  void drop(Map::iterator at);
  std::map<std::string, std::string> environment(const Service& service) const;

  const Around around_;
  Map all_;
  store::UserId last_id_ = 0;  ///< Nobody's rows: -1, -2, ...
};

}  // namespace passerelle::hub
