// RestApi: configurable-http-proxy's REST API over Routes. Answers /api/routes and what is below
// it; everything else is 404. Any thread; what must wait (a name to be resolved) is waited for by
// whom `resolve` belongs to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "chp/journal.hpp"
#include "chp/metrics.hpp"
#include "chp/routes.hpp"
#include "proxy/gate.hpp"

namespace passerelle::chp {

class RestApi {
 public:
  static constexpr std::size_t kMostBody = 64U << 10U;  ///< JupyterHub's are 200 bytes.
  /// Fills entry->addresses and then calls `done`, on any thread, in a few seconds at the latest.
  using Resolve =
      std::function<void(std::shared_ptr<RouteEntry> entry, std::function<void()> done)>;

  /// `token` empty: whoever can reach the API may use it. All references must outlive the API.
  RestApi(
      Routes& routes, std::string token, Resolve resolve, Metrics& metrics, const Journal& journal);

  void handle(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply) const;
  /// What POST does, for --default-target.
  void add(std::string_view path, const Json& body, std::function<void()> done) const;

 private:
  struct Call;
  bool authorized(const proxy::HubRequest& request) const;
  void get(const Call& call) const;
  void post(const Call& call) const;
  void remove(const Call& call) const;
  void answer(const Call& call, int status, std::string body = {}, bool json = false) const;

  Routes& routes_;
  std::string token_;
  Resolve resolve_;
  Metrics& metrics_;
  const Journal& journal_;
};

}  // namespace passerelle::chp
