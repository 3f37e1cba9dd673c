#include "chp/small_server.hpp"

#include <exception>

namespace passerelle::chp {

Result<void> SmallServer::start(proxy::ProxySettings settings) {
  settings.limits.threads = 1;
  settings.guarded_segments = 0;
  settings.access_log = false;
  proxy::Gate& gate = *this;
  proxy::Hub& hub = *this;
  proxy_ = std::make_unique<proxy::Proxy>(std::move(settings), gate, hub);
  return proxy_->start();
}

// A reply that is dropped is answered 500.
void SmallServer::handle(proxy::HubRequest request,
                         std::shared_ptr<proxy::HubReply> reply) noexcept {
  try {
    handler_(std::move(request), std::move(reply));
  } catch (const std::exception& error) {
    log::error("chp", "a handler threw", {{"what", error.what()}});
  }
}

}  // namespace passerelle::chp
