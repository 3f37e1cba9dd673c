#include "chp/tls_files.hpp"

#include <openssl/ssl.h>

namespace passerelle::chp {

Result<std::shared_ptr<proxy::TlsServer>> load_server_tls(const TlsFiles& files,
                                                          const Options& options) {
  if (!files.used()) return std::shared_ptr<proxy::TlsServer>();
  proxy::TlsServerSettings settings;
  const std::string& cert = files.cert.empty() ? files.key : files.cert;
  settings.certificates = {{cert, files.key, files.passphrase}};
  settings.ciphers = options.ssl_ciphers;
  if (options.ssl_protocol == "TLSv1_2") settings.most_version = TLS1_2_VERSION;
  if (options.ssl_protocol == "TLSv1_3") settings.least_version = TLS1_3_VERSION;
  // Node.js turns the unauthorized away unless it is told not to, which no flag can.
  settings.ask_client = settings.require_client = files.request_cert;
  settings.client_ca = files.ca;
  return proxy::TlsServer::load(std::move(settings));
}

Result<std::shared_ptr<const proxy::TlsClient>> load_client_tls(const Options& options) {
  const TlsFiles& files = options.client_ssl;
  proxy::TlsClientSettings settings;
  settings.ca = files.ca;
  if (files.used()) settings.own = {files.cert.empty() ? files.key : files.cert, files.key, {}};
  settings.verify = !options.insecure;
  return proxy::TlsClient::load(settings);
}

}  // namespace passerelle::chp
