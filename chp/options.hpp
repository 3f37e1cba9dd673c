// Options: the command line of `passerelle proxy`, which is configurable-http-proxy's. Times are
// milliseconds there.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"

namespace CLI {
class App;
}

namespace passerelle::chp {

/// Files of one side's TLS; no key and no certificate: that side speaks plainly.
struct TlsFiles {
  std::string key, cert, ca;
  std::string passphrase;  ///< From the environment.
  bool request_cert = false;
  bool reject_unauthorized = false;
  bool used() const noexcept { return !key.empty() || !cert.empty(); }
};

struct Place {
  std::string ip;  ///< Empty or "*": everywhere; a name is resolved once.
  std::uint16_t port = 0;
  std::string socket;        ///< A path, instead of ip and port.
  std::string text() const;  ///< For the log: "127.0.0.1:8000", ":8000", or the path.
};

struct Options {
  Place open;  ///< The public side.
  Place api;
  Place metrics;
  bool with_metrics = false;
  TlsFiles ssl, api_ssl, client_ssl;
  std::string ssl_protocol, ssl_ciphers, ssl_dhparam;
  bool ssl_allow_rc4 = false;
  bool insecure = false;

  std::string default_target, error_target, error_path;
  bool redirects = false;
  std::uint16_t redirect_port = 0;  ///< 0: the kernel picks one.
  std::uint16_t redirect_to = 0;    ///< 0: the public port.
  std::string pid_file;
  std::string auth_token;  ///< From the environment; empty: the API is open.

  bool x_forward = true;
  bool prepend_path = true;
  bool include_prefix = true;
  bool auto_rewrite = false;
  bool change_origin = false;
  std::string protocol_rewrite;
  std::vector<std::pair<std::string, std::string>> custom_headers;
  bool host_routing = false;

  std::chrono::milliseconds timeout{0}, proxy_timeout{0};  ///< 0: none
  std::chrono::milliseconds keep_alive_timeout{5000};
  log::Level log_level = log::Level::info;
};

/// What the parser fills in before finish_options() looks at it.
struct RawOptions {
  Options options;
  std::string port, api_port, metrics_port, redirect_port, redirect_to;
  std::string timeout, proxy_timeout, keep_alive_timeout;
  std::string log_level = "info";
  std::string storage_backend;
  std::vector<std::string> custom_headers;
};

/// Adds the flags to `app`; `raw` must outlive the parsing.
void add_options(CLI::App& app, RawOptions& raw);
/// Checks them and adds what comes from the environment. Errc::invalid says in one line what cannot
/// be.
Result<Options> finish_options(RawOptions raw);

/// "--flag=" means an empty value, which the parser cannot read: splits it in two. Also makes one
/// letter of "-V".
std::vector<std::string> split_empty_values(int argc, char** argv);

}  // namespace passerelle::chp
