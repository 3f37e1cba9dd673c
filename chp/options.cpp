#include "chp/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/text.hpp"

namespace passerelle::chp {
namespace {

const std::string kCustomHeader = "--custom-header";

void add_tls(CLI::App& app, const std::string& prefix, const std::string& side, TlsFiles& files) {
  app.add_option("--" + prefix + "-key", files.key, "Key file (PEM) " + side);
  app.add_option("--" + prefix + "-cert", files.cert, "Certificate file (PEM) " + side);
  app.add_option("--" + prefix + "-ca", files.ca, "Certificates of authorities (PEM) " + side);
  app.add_flag("--" + prefix + "-request-cert", files.request_cert,
               "Ask the other side for its certificate " + side);
  app.add_flag("--" + prefix + "-reject-unauthorized", files.reject_unauthorized,
               "Turn away who has none that is good " + side);
}

void add_places(CLI::App& app, RawOptions& raw) {
  Options& options = raw.options;
  options.api.ip = "localhost";
  CLI::Option* ip = app.add_option("--ip", options.open.ip, "Address to serve on (default: all)");
  CLI::Option* port = app.add_option("--port", raw.port, "Port to serve on (default: 8000)");
  app.add_option("--socket", options.open.socket,
                 "Unix socket to serve on, instead of --ip and --port")
      ->excludes(ip)
      ->excludes(port);
  ip = app.add_option("--api-ip", options.api.ip, "Address of the REST API (default: localhost)");
  port =
      app.add_option("--api-port", raw.api_port, "Port of the REST API (default: --port plus 1)");
  app.add_option("--api-socket", options.api.socket,
                 "Unix socket of the REST API, instead of --api-ip and --api-port")
      ->excludes(ip)
      ->excludes(port);
  ip = app.add_option("--metrics-ip", options.metrics.ip,
                      "Address of the metrics server (default: all)");
  port = app.add_option("--metrics-port", raw.metrics_port,
                        "Port of the metrics server (default: none)");
  app.add_option("--metrics-socket", options.metrics.socket, "Unix socket of the metrics server")
      ->excludes(ip)
      ->excludes(port);
}

void add_rewriting(CLI::App& app, RawOptions& raw) {
  Options& options = raw.options;
  app.add_flag("!--no-x-forward", options.x_forward, "Do not add X-Forwarded-* to requests");
  app.add_flag("!--no-prepend-path", options.prepend_path,
               "Do not put the target's path before the request's");
  app.add_flag("!--no-include-prefix", options.include_prefix,
               "Cut the route's prefix off the request's path");
  app.add_flag("--auto-rewrite", options.auto_rewrite,
               "A Location that names the target names this proxy instead");
  app.add_flag("--change-origin", options.change_origin, "Host becomes the target's");
  app.add_option("--protocol-rewrite", options.protocol_rewrite,
                 "Scheme of a Location that names the target");
  app.add_option(kCustomHeader, raw.custom_headers,
                 "'name: value' to set on every request; may be repeated")
      ->allow_extra_args(false);
}

void add_times(CLI::App& app, RawOptions& raw) {
  app.add_option("--timeout", raw.timeout, "Milliseconds until a silent client is cut off");
  app.add_option("--proxy-timeout", raw.proxy_timeout, "Milliseconds a target has to answer");
  app.add_option("--keep-alive-timeout", raw.keep_alive_timeout,
                 "Milliseconds an idle client connection is kept (default: 5000)");
}

std::string from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Error bad(const std::string& flag, const std::string& value, const std::string& wanted) {
  return {Errc::invalid, flag + " '" + value + "' is not " + wanted};
}

Result<void> read_port(const std::string& flag, const std::string& text, std::uint16_t& port) {
  if (text.empty()) return {};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end) return bad(flag, text, "a port");
  return {};
}

Result<void> read_millis(const std::string& flag,
                         const std::string& text,
                         std::chrono::milliseconds& time) {
  if (text.empty()) return {};
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return bad(flag, text, "a number of milliseconds");
  time = std::chrono::milliseconds(number);
  return {};
}

Result<void> read_headers(RawOptions& raw) {
  constexpr std::string_view kFraming[] = {"content-length", "transfer-encoding", "connection",
                                           "upgrade", "te"};
  constexpr std::string_view kToken =
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (const std::string& text : raw.custom_headers) {
    const std::size_t colon = text::trim(text).find(':');
    if (colon == std::string_view::npos || colon == 0)
      return Error(Errc::invalid, "A colon was expected in custom header: " + text);
    const std::string_view name = text::trim(text::trim(text).substr(0, colon));
    const std::string_view value = text::trim(text::trim(text).substr(colon + 1));
    const bool control =
        value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
    if (name.find_first_not_of(kToken) != std::string_view::npos || control)
      return bad("--custom-header", text, "a header that can be sent");
    for (const std::string_view framing : kFraming)
      if (text::iequals(name, framing))
        return bad("--custom-header", text, "one that may be set: it frames the message");
    raw.options.custom_headers.emplace_back(name, value);
  }
  return {};
}

Result<void> read_numbers(RawOptions& raw) {
  Options& options = raw.options;
  const std::pair<const char*, std::pair<const std::string*, std::uint16_t*>> ports[] = {
      {"--port", {&raw.port, &options.open.port}},
      {"--api-port", {&raw.api_port, &options.api.port}},
      {"--metrics-port", {&raw.metrics_port, &options.metrics.port}},
      {"--redirect-port", {&raw.redirect_port, &options.redirect_port}},
      {"--redirect-to", {&raw.redirect_to, &options.redirect_to}}};
  for (const auto& [flag, port] : ports)
    if (auto read = read_port(flag, *port.first, *port.second); !read) return read;
  const std::pair<const char*, std::pair<const std::string*, std::chrono::milliseconds*>> times[] =
      {{"--timeout", {&raw.timeout, &options.timeout}},
       {"--proxy-timeout", {&raw.proxy_timeout, &options.proxy_timeout}},
       {"--keep-alive-timeout", {&raw.keep_alive_timeout, &options.keep_alive_timeout}}};
  for (const auto& [flag, time] : times)
    if (auto read = read_millis(flag, *time.first, *time.second); !read) return read;
  return {};
}

Result<void> read_level(const std::string& text, log::Level& level) {
  const std::string name = text::ascii_lower(text);
  if (name == "debug" || name == "silly" || name == "verbose")
    level = log::Level::debug;
  else if (name == "info")
    level = log::Level::info;
  else if (name == "warn" || name == "warning")
    level = log::Level::warn;
  else if (name == "error")
    level = log::Level::error;
  else
    return bad("--log-level", text, "debug, info, warn or error");
  return {};
}

Result<void> check_support(const RawOptions& raw) {
  if (!raw.storage_backend.empty())
    return Error(Errc::invalid,
                 "--storage-backend names a Node.js module, which this program cannot run");
  if (!raw.redirect_port.empty() && !raw.options.ssl.used())
    return Error(Errc::invalid, "HTTPS redirection specified but certificates not provided.");
  const std::string_view protocol = raw.options.ssl_protocol;
  constexpr std::string_view kProtocols[] = {"", "TLS", "SSLv23", "TLSv1_2", "TLSv1_3"};
  if (std::ranges::find(kProtocols, protocol) == std::end(kProtocols))
    return bad("--ssl-protocol", raw.options.ssl_protocol, "one that is safe: TLSv1_2 or TLSv1_3");
  for (const auto& [flag, files] :
       {std::pair("--ssl", &raw.options.ssl), {"--api-ssl", &raw.options.api_ssl}})
    if (files->used() && files->request_cert && files->ca.empty())
      return Error(Errc::invalid, std::string(flag) + "-request-cert needs " + flag + "-ca");
  return {};
}

/// configurable-http-proxy takes the API's port from the public one, unless that is a socket.
void fill_in_ports(const RawOptions& raw, Options& options) {
  constexpr std::uint16_t kPort = 8000;
  const bool chosen = !raw.port.empty();
  if (!chosen) options.open.port = kPort;
  if (raw.api_port.empty())
    options.api.port =
        options.open.socket.empty() ? static_cast<std::uint16_t>(options.open.port + 1) : kPort + 1;
  options.redirects = !raw.redirect_port.empty();
  options.with_metrics = !raw.metrics_port.empty() || !options.metrics.socket.empty();
}

Result<std::string> token() {
  std::string token = from_environment("CONFIGPROXY_AUTH_TOKEN");
  const std::string file = from_environment("CONFIGPROXY_AUTH_TOKEN_FILE");
  if (!token.empty() || file.empty()) return token;
  std::ifstream in(file);
  if (!std::getline(in, token))
    return Error(Errc::invalid, "CONFIGPROXY_AUTH_TOKEN_FILE cannot be read: " + file);
  return std::string(text::trim(token));
}

}  // namespace

std::string Place::text() const {
  return socket.empty() ? ip + ":" + std::to_string(port) : socket;
}

void add_options(CLI::App& app, RawOptions& raw) {
  Options& options = raw.options;
  add_places(app, raw);
  add_tls(app, "ssl", "for browsers", options.ssl);
  add_tls(app, "api-ssl", "for the REST API", options.api_ssl);
  add_tls(app, "client-ssl", "for https targets", options.client_ssl);
  app.add_option("--ssl-protocol", options.ssl_protocol, "Least TLS version: TLSv1_2 or TLSv1_3");
  app.add_option("--ssl-ciphers", options.ssl_ciphers, "Ciphers for TLS 1.2, between colons");
  app.add_flag("--ssl-allow-rc4", options.ssl_allow_rc4, "Has no effect: RC4 is broken");
  app.add_option("--ssl-dhparam", options.ssl_dhparam,
                 "Accepted, not needed: key exchange is by curves");
  app.add_flag("--insecure", options.insecure, "Do not check the certificates of https targets");
  app.add_option("--default-target", options.default_target, "Where '/' leads: http://host:port");
  app.add_option("--error-target", options.error_target,
                 "Server of the error pages: asked for /CODE?url=...");
  app.add_option("--error-path", options.error_path,
                 "Folder of error pages: CODE.html, error.html");
  app.add_option("--redirect-port", raw.redirect_port, "Port that sends browsers to https");
  app.add_option("--redirect-to", raw.redirect_to, "The port they are sent to (default: --port)");
  app.add_option("--pid-file", options.pid_file, "File for the process id");
  add_rewriting(app, raw);
  app.add_flag("--host-routing", options.host_routing,
               "The host is the first part of the path in the routes");
  app.add_option("--log-level", raw.log_level, "debug, info, warn or error (default: info)");
  add_times(app, raw);
  app.add_option("--storage-backend", raw.storage_backend, "Not supported: a Node.js module");
  for (CLI::Option* option : app.get_options())
    if (option->get_name() != kCustomHeader) option->take_last();
}

Result<Options> finish_options(RawOptions raw) {
  Result<void> read = read_headers(raw);
  if (read) read = read_numbers(raw);
  if (read) read = read_level(raw.log_level, raw.options.log_level);
  if (read) read = check_support(raw);
  if (!read) return std::move(read).error();
  Options options = std::move(raw.options);
  fill_in_ports(raw, options);
  options.ssl.passphrase = from_environment("CONFIGPROXY_SSL_KEY_PASSPHRASE");
  options.api_ssl.passphrase = from_environment("CONFIGPROXY_API_SSL_KEY_PASSPHRASE");
  Result<std::string> secret = token();
  if (!secret) return std::move(secret).error();
  options.auth_token = std::move(*secret);
  return options;
}

std::vector<std::string> split_empty_values(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int at = 1; at < argc; ++at) {
    std::string argument = argv[at];
    const bool empty = argument.starts_with("--") && argument.ends_with('=');
    if (empty) argument.pop_back();
    arguments.push_back(std::move(argument));
    if (empty) arguments.emplace_back();
  }
  return arguments;
}

}  // namespace passerelle::chp
