// PublicGate: finds the route of a public request. Who may use it is the upstream's affair.
#pragma once

#include "chp/metrics.hpp"
#include "chp/routes.hpp"
#include "proxy/gate.hpp"

namespace passerelle::chp {

/// HubRequest::reason of what is not forwarded.
namespace reason {
inline constexpr std::string_view kHealth = "health";
inline constexpr std::string_view kNoRoute = "no-route";
inline constexpr std::string_view kBadTarget = "bad-target";
}  // namespace reason

class PublicGate final : public proxy::Gate {
 public:
  PublicGate(const Routes& routes, bool host_routing, Metrics& metrics)
      : routes_(routes), host_routing_(host_routing), metrics_(metrics) {}

  proxy::Verdict admit(const proxy::RequestHead& head, std::string_view peer) noexcept override;

 private:
  const std::shared_ptr<const proxy::Route>& find(const proxy::RequestHead& head) const;

  const Routes& routes_;
  bool host_routing_;
  Metrics& metrics_;
};

}  // namespace passerelle::chp
