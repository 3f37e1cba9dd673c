#include "chp/server.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <arpa/inet.h>
#include <boost/asio/signal_set.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.hpp"
#include "chp/error_pages.hpp"
#include "chp/names.hpp"
#include "chp/public_gate.hpp"
#include "chp/rest_api.hpp"
#include "chp/small_server.hpp"
#include "chp/tls_files.hpp"

namespace passerelle::chp {
namespace {

constexpr int kFailed = 1;
constexpr int kSignalled = 2;

/// The data plane counts in seconds.
seconds whole_seconds(milliseconds time) {
  return std::max(seconds(1), std::chrono::ceil<seconds>(time));
}

/// Every connection is a descriptor, every forwarded one two.
void raise_file_limit() noexcept {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

/// configurable-http-proxy sets no limits but those of its flags; ours are there to find what is
/// dead.
config::Proxy limits_of(const Options& options) {
  constexpr seconds kHour{3600};
  config::Proxy limits;
  limits.header_timeout = seconds(60);
  limits.body_timeout = options.timeout.count() != 0 ? whole_seconds(options.timeout) : kHour;
  limits.response_timeout =
      options.proxy_timeout.count() != 0 ? whole_seconds(options.proxy_timeout) : 24 * kHour;
  if (options.timeout.count() != 0)
    limits.response_timeout = std::min(limits.response_timeout, whole_seconds(options.timeout));
  limits.idle_timeout = whole_seconds(options.keep_alive_timeout);
  limits.max_connections = 1'000'000;      // the descriptors end first
  limits.max_connections_per_address = 0;  // often all come from one proxy in front
  limits.min_rate = 0;
  return limits;
}

/// "localhost" may lead to ::1 where there is no IPv6.
bool can_listen(const Upstream& place) noexcept {
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET6, place.host.c_str(), &v6.sin6_addr) != 1) return true;
  v6.sin6_family = AF_INET6;
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool good = fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&v6), sizeof v6) == 0;
  if (fd >= 0) close(fd);
  return good;
}

class Server {
 public:
  explicit Server(Options options)
      : options_(std::move(options)),
        journal_(options_.log_level),
        routes_(options_, metrics_.requests_proxy),
        gate_(routes_, options_.host_routing, metrics_),
        names_(loop_),
        api_(routes_, options_.auth_token, resolve(), metrics_, journal_) {}

  int run();

 private:
  RestApi::Resolve resolve() {
    return [this](std::shared_ptr<RouteEntry> entry, std::function<void()> done) {
      names_.resolve(std::move(entry), std::move(done));
    };
  }
  Result<void> start();
  Result<void> start_public();
  Result<void> start_api();
  Result<void> start_metrics();
  Result<void> start_redirection();
  Result<proxy::ProxySettings> settings_at(const Place& place, const TlsFiles& files);
  void reload() const;
  void watch_signals(asio::signal_set& signals);
  void add_default_target();
  void announce() const;
  Result<void> write_pid();
  void say(log::Level level, const std::string& text) const { journal_.write(level, {text}); }

  Options options_;
  Journal journal_;
  Metrics metrics_;
  asio::io_context loop_;
  Routes routes_;
  PublicGate gate_;
  Names names_;
  RestApi api_;
  std::unique_ptr<ErrorPages> pages_;
  std::unique_ptr<proxy::Proxy> public_;
  std::vector<std::shared_ptr<proxy::TlsServer>> certificates_;
  bool wrote_pid_ = false;
  std::unique_ptr<SmallServer> api_server_, metrics_server_, redirection_;
};

Result<proxy::ProxySettings> Server::settings_at(const Place& place, const TlsFiles& files) {
  auto tls = load_server_tls(files, options_);
  if (!tls) return std::move(tls).error();
  if (*tls) certificates_.push_back(*tls);
  proxy::ProxySettings settings;
  settings.own_cookies = {};
  settings.guarded_segments = 0;
  settings.access_log = false;
  settings.check_server_name = false;
  settings.endpoints.clear();
  if (!place.socket.empty()) {
    settings.endpoints.push_back({std::filesystem::absolute(place.socket).string(), 0, *tls});
    return settings;
  }
  if (place.ip.empty() || place.ip == "*") {
    settings.endpoints.push_back({"", place.port, *tls});
    return settings;
  }
  for (const Upstream& found : look_up(place.ip, place.port))
    if (can_listen(found)) settings.endpoints.push_back({found.host, place.port, *tls});
  if (settings.endpoints.empty())
    return Error(Errc::invalid,
                 "cannot listen on " + place.ip + ": it is no address of this machine");
  return settings;
}

Result<void> Server::start_public() {
  std::optional<Target> error_target;
  if (!options_.error_target.empty()) {
    Result<Target> target = parse_target(options_.error_target);
    if (!target) return std::move(target).error().within("--error-target " + options_.error_target);
    error_target = std::move(*target);
  }
  pages_ =
      std::make_unique<ErrorPages>(loop_, options_, std::move(error_target), metrics_, journal_);
  Result<proxy::ProxySettings> settings = settings_at(options_.open, options_.ssl);
  if (!settings) return std::move(settings).error();
  settings->limits = limits_of(options_);
  settings->bad_paths_to_hub = true;
  public_ = std::make_unique<proxy::Proxy>(std::move(*settings), gate_, *pages_);
  Result<void> started = public_->start();
  if (started && options_.open.socket.empty()) options_.open.port = public_->port();
  return started;
}

Result<void> Server::start_api() {
  Result<proxy::ProxySettings> settings = settings_at(options_.api, options_.api_ssl);
  if (!settings) return std::move(settings).error();
  api_server_ = std::make_unique<SmallServer>(RestApi::kMostBody, [this](auto request, auto reply) {
    api_.handle(std::move(request), std::move(reply));
  });
  Result<void> started = api_server_->start(std::move(*settings));
  if (started && options_.api.socket.empty()) options_.api.port = api_server_->port();
  return started;
}

Result<void> Server::start_metrics() {
  if (!options_.with_metrics) return {};
  Result<proxy::ProxySettings> settings = settings_at(options_.metrics, {});
  if (!settings) return std::move(settings).error();
  metrics_server_ = std::make_unique<SmallServer>(0, [this](auto request, auto reply) {
    if (request.path != "/metrics") return reply->send({404, {}, "Not Found"});
    reply->send(
        {200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics_.text()});
  });
  Result<void> started = metrics_server_->start(std::move(*settings));
  if (started && options_.metrics.socket.empty()) options_.metrics.port = metrics_server_->port();
  return started;
}

Result<void> Server::start_redirection() {
  constexpr std::uint16_t kHttp = 80;
  constexpr std::uint16_t kHttps = 443;
  if (!options_.redirects || !options_.open.socket.empty() || options_.open.port == kHttp)
    return {};
  const std::uint16_t to = options_.redirect_to != 0 ? options_.redirect_to : options_.open.port;
  Result<proxy::ProxySettings> settings = settings_at({{}, options_.redirect_port, {}}, {});
  if (!settings) return std::move(settings).error();
  redirection_ = std::make_unique<SmallServer>(0, [to](auto request, auto reply) {
    std::string host = request.host.substr(0, request.host.find(':', request.host.find(']') + 1));
    if (host.empty())
      return reply->send({400,
                          {},
                          "This server is HTTPS-only on port " + std::to_string(to) +
                              ", but there is no Host to send an HTTP request to."});
    if (to != kHttps) host += ":" + std::to_string(to);
    std::string location = "https://" + host + request.path;
    if (!request.query.empty()) location += "?" + request.query;
    reply->send({301, {{"Location", std::move(location)}}, {}});
  });
  if (auto started = redirection_->start(std::move(*settings)); !started) return started;
  say(log::Level::info, "Added HTTP to HTTPS redirection from " +
                            std::to_string(redirection_->port()) + " to " + std::to_string(to));
  return {};
}

void Server::add_default_target() {
  if (options_.default_target.empty()) return;
  api_.add("/", Json{{"target", options_.default_target}}, [] {});
}

void Server::announce() const {
  const std::string scheme = options_.ssl.used() ? "https://" : "http://";
  const std::string target =
      options_.default_target.empty() ? "(no default)" : options_.default_target;
  say(log::Level::info, "Proxying " + scheme + options_.open.text() + " to " + target);
  const std::string api_scheme = options_.api_ssl.used() ? "https://" : "http://";
  say(log::Level::info, "Proxy API at " + api_scheme + options_.api.text() + "/api/routes");
  if (options_.with_metrics)
    say(log::Level::info, "Serve metrics at http://" + options_.metrics.text() + "/metrics");
}

Result<void> Server::write_pid() {
  if (options_.pid_file.empty()) return {};
  const std::string pid = std::to_string(getpid());
  say(log::Level::info, "Writing pid " + pid + " to " + options_.pid_file);
  std::ofstream out(options_.pid_file, std::ios::trunc);
  out << pid;
  out.close();
  if (!out) return Error(Errc::unavailable, "cannot write " + options_.pid_file);
  wrote_pid_ = true;
  return {};
}

Result<void> Server::start() {
  if (options_.auth_token.empty()) say(log::Level::warn, "REST API is not authenticated.");
  if (options_.open.ip == "*")
    say(log::Level::warn,
        "Interpreting ip='*' as all-interfaces. Preferred usage is 0.0.0.0 for all IPv4 or '' for "
        "all-interfaces.");
  if (options_.ssl_allow_rc4)
    say(log::Level::warn, "--ssl-allow-rc4 has no effect: RC4 is broken.");
  auto client_tls = load_client_tls(options_);
  if (!client_tls) return std::move(client_tls).error();
  routes_.use_tls(std::move(*client_tls));
  add_default_target();  // before anybody can ask for it
  Result<void> done = start_public();
  if (done) done = start_api();
  if (done) done = start_metrics();
  if (done) announce();
  if (done) done = write_pid();
  if (done) done = start_redirection();
  return done;
}

/// SIGHUP: the certificates may be new.
void Server::reload() const {
  for (const auto& certificate : certificates_) {
    const Result<void> done = certificate->reload();
    if (!done) say(log::Level::error, done.error().message());
  }
  say(log::Level::info, "Certificates read again");
}

void Server::watch_signals(asio::signal_set& signals) {
  signals.async_wait([this, &signals](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reload();
      return watch_signals(signals);
    }
    say(log::Level::warn, signal == SIGINT ? "Interrupted" : "Terminated");
    loop_.stop();
  });
}

int Server::run() {
  asio::signal_set signals(loop_, SIGTERM, SIGINT, SIGHUP);
  watch_signals(signals);
  names_.start();
  int code = kFailed;
  if (const Result<void> started = start(); !started) {
    say(log::Level::error, started.error().message());
  } else {
    loop_.run();
    code = kSignalled;
  }
  if (wrote_pid_) unlink(options_.pid_file.c_str());
  // Nothing is drained, by contract; and nobody waits for a name that is being looked up.
  redirection_.reset();
  metrics_server_.reset();
  api_server_.reset();
  public_.reset();
  std::fflush(nullptr);
  _exit(code);
}

}  // namespace

int run(Options options) {
  log::set_up(log::Level::warn);
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  Server server(std::move(options));
  return server.run();
}

}  // namespace passerelle::chp
