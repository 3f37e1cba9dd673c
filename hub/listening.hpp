// Listening: the endpoints that the configuration asks for, and certificates that are renewed while
// we serve.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "config/settings.hpp"
#include "proxy/endpoint.hpp"
#include "proxy/relay.hpp"
#include "proxy/tls.hpp"

namespace passerelle::hub {

/// HTTPS first, if there is any. Errc::invalid names the file that is wrong.
Result<std::vector<proxy::Endpoint>> make_endpoints(const config::Settings& settings);

/// Where a process that has handed over to us brings what its connections still ask, in data_dir:
/// after make_endpoints().
std::vector<proxy::Endpoint> relayed_endpoints(const config::Settings& settings);
/// The same places as their clients see them.
proxy::RelayRoutes relay_routes(const config::Settings& settings);

/// Reads the certificates again when a file has changed (asked once a minute: whoever renews them
/// need not know of us) and on SIGHUP. What is not usable is logged, and the old ones stay. Lives
/// on the hub's loop.
class CertificateKeeper {
 public:
  /// `tls` is null if there are no certificates: SIGHUP then does nothing.
  CertificateKeeper(const config::Https& https, std::shared_ptr<proxy::TlsServer> tls);
  Task<void> keep();
  Task<void> listen_to_signal(asio::io_context& loop);
  std::string ticket_keys() const;  ///< See TlsServer; empty without certificates.

 private:
  using Stamps = std::vector<std::filesystem::file_time_type>;
  Stamps stamps() const;
  void reload();

  const config::Https& https_;
  const std::shared_ptr<proxy::TlsServer> tls_;
  Stamps seen_;
};

}  // namespace passerelle::hub
