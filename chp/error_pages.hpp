// ErrorPages: answers the public requests that are not forwarded or whose target does not answer:
// the health check, and error pages from --error-target, --error-path, or our own.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/http_client.hpp"
#include "chp/journal.hpp"
#include "chp/metrics.hpp"
#include "chp/options.hpp"
#include "chp/target.hpp"
#include "proxy/gate.hpp"

namespace passerelle::chp {

class ErrorPages final : public proxy::Hub {
 public:
  /// Pages are fetched and read on `loop`. All must outlive this. `target`: of --error-target, or
  /// nothing.
  ErrorPages(asio::io_context& loop,
             const Options& options,
             std::optional<Target> target,
             Metrics& metrics,
             const Journal& journal);

  void handle(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply) noexcept override;

 private:
  void answer(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply);
  Task<void> send_page(int status,
                       proxy::HubRequest request,
                       std::shared_ptr<proxy::HubReply> reply);
  Task<std::optional<proxy::HubResponse>> from_target(int status, std::string asked);
  std::optional<proxy::HubResponse> from_folder(int status) const;
  HttpRequest request_for(int status, const std::string& asked) const;

  asio::io_context& loop_;
  const Options& options_;
  std::optional<Target> target_;
  Metrics& metrics_;
  const Journal& journal_;
  HttpClient client_;
};

}  // namespace passerelle::chp
