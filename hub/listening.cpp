#include "hub/listening.hpp"

#include <charconv>
#include <string_view>

#include <boost/asio/signal_set.hpp>

#include "base/log.hpp"

namespace passerelle::hub {
namespace {

constexpr seconds kLook{60};

Result<proxy::Endpoint> https_endpoint(const config::Https& https) {
  proxy::TlsServerSettings wish;
  wish.certificates.push_back({https.cert, https.key, ""});
  for (const config::Certificate& more : https.certificates)
    wish.certificates.push_back({more.cert, more.key, ""});
  wish.http2 = https.http2;
  auto tls = proxy::TlsServer::load(std::move(wish));
  if (!tls) return std::move(tls).error().within("listen.https");
  proxy::Endpoint endpoint;
  endpoint.address = https.at.address;
  endpoint.port = https.at.port;
  endpoint.tls = std::move(*tls);
  return endpoint;
}

/// Where browsers find HTTPS: what public_url says, because a port may be forwarded to ours.
std::uint16_t public_https_port(const config::Settings& settings) {
  constexpr std::string_view kScheme = "https://";
  std::string_view url = settings.public_url;
  if (!url.starts_with(kScheme)) return settings.https.at.port;
  url.remove_prefix(kScheme.size());
  url = url.substr(0, url.find('/'));
  const std::size_t colon = url.rfind(':');
  std::uint16_t port = 443;
  if (colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos)
    std::from_chars(url.data() + colon + 1, url.data() + url.size(), port);
  return port;
}

std::string relay_path(const config::Settings& settings, bool secure) {
  const std::string name = secure ? "relay-https.sock" : "relay-http.sock";
  std::error_code none;
  return (std::filesystem::absolute(settings.data_dir, none) / name).string();
}

}  // namespace

Result<std::vector<proxy::Endpoint>> make_endpoints(const config::Settings& settings) {
  std::vector<proxy::Endpoint> endpoints;
  if (settings.https.on()) {
    auto https = https_endpoint(settings.https);
    if (!https) return std::move(https).error();
    endpoints.push_back(std::move(*https));
  }
  if (settings.plain_http) {
    proxy::Endpoint http;
    http.address = settings.listen.address;
    http.port = settings.listen.port;
    if (settings.https.on() && settings.redirect) http.https_port = public_https_port(settings);
    endpoints.push_back(std::move(http));
  }
  return endpoints;
}

std::vector<proxy::Endpoint> relayed_endpoints(const config::Settings& settings) {
  std::vector<proxy::Endpoint> endpoints;
  for (const bool secure : {false, true}) {
    proxy::Endpoint endpoint;
    endpoint.address = relay_path(settings, secure);
    endpoint.relayed = true;
    endpoint.secure = secure;
    const bool redirects = settings.https.on() && settings.redirect;
    if (!secure && redirects) endpoint.https_port = public_https_port(settings);
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

proxy::RelayRoutes relay_routes(const config::Settings& settings) {
  const auto route = [&](bool secure) {
    auto made = std::make_shared<proxy::Route>();
    made->prefix = "/";
    made->upstream.kind = Upstream::Kind::unix_socket;
    made->upstream.path = relay_path(settings, secure);
    return made;
  };
  return {route(false), route(true)};
}

CertificateKeeper::CertificateKeeper(const config::Https& https,
                                     std::shared_ptr<proxy::TlsServer> tls)
    : https_(https), tls_(std::move(tls)), seen_(stamps()) {}

CertificateKeeper::Stamps CertificateKeeper::stamps() const {
  Stamps stamps;
  const auto look = [&](const std::string& file) {
    std::error_code none;
    if (!file.empty()) stamps.push_back(std::filesystem::last_write_time(file, none));
  };
  look(https_.cert);
  look(https_.key);
  for (const config::Certificate& more : https_.certificates) {
    look(more.cert);
    look(more.key);
  }
  return stamps;
}

void CertificateKeeper::reload() {
  if (!tls_) return;
  const Result<void> done = tls_->reload();
  if (done)
    log::info("app", "certificates read again", {{"good_until", to_iso8601(tls_->expires())}});
  else
    log::error("app", "the new certificates are not usable; the old ones stay",
               {{"why", done.error().message()}});
}

std::string CertificateKeeper::ticket_keys() const {
  return tls_ ? tls_->ticket_keys() : std::string();
}

Task<void> CertificateKeeper::keep() {
  for (;;) {
    co_await sleep_for(kLook);
    Stamps now = stamps();
    if (now == seen_) continue;
    seen_ = std::move(now);
    reload();
  }
}

Task<void> CertificateKeeper::listen_to_signal(asio::io_context& loop) {
  asio::signal_set hangup(loop, SIGHUP);
  for (;;) {
    co_await hangup.async_wait(asio::use_awaitable);
    seen_ = stamps();
    reload();
  }
}

}  // namespace passerelle::hub
