// SmallServer: a listener of its own, on a thread of its own, whose requests are all answered here:
// the REST API, the metrics, the way to https. The data plane does its HTTP.
#pragma once

#include <functional>
#include <memory>

#include "chp/options.hpp"
#include "proxy/proxy.hpp"

namespace passerelle::chp {

class SmallServer final : private proxy::Gate, private proxy::Hub {
 public:
  /// Called on the server's thread; must not block, and may answer later.
  using Handler = std::function<void(proxy::HubRequest, std::shared_ptr<proxy::HubReply>)>;

  SmallServer(std::size_t most_body, Handler handler)
      : most_body_(most_body), handler_(std::move(handler)) {}

  Result<void> start(proxy::ProxySettings settings);
  std::uint16_t port() const noexcept { return proxy_->port(); }

 private:
  proxy::Verdict admit(const proxy::RequestHead&, std::string_view) noexcept override {
    return proxy::ToHub{most_body_, {}};
  }
  void handle(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply) noexcept override;

  std::size_t most_body_;
  Handler handler_;
  std::unique_ptr<proxy::Proxy> proxy_;
};

}  // namespace passerelle::chp
