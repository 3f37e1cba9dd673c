// From the --ssl-... flags to the data plane's TLS.
#pragma once

#include <memory>

#include "chp/options.hpp"
#include "proxy/tls.hpp"

namespace passerelle::chp {

/// `files` is one of the options' sides. Null if that side speaks plainly.
Result<std::shared_ptr<proxy::TlsServer>> load_server_tls(const TlsFiles& files,
                                                          const Options& options);
/// What https targets are shown, and judged by.
Result<std::shared_ptr<const proxy::TlsClient>> load_client_tls(const Options& options);

}  // namespace passerelle::chp
