#include "chp/names.hpp"

#include <algorithm>

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <netdb.h>
#include <netinet/in.h>

namespace passerelle::chp {
namespace {

Upstream upstream_of(const addrinfo& found, std::uint16_t port) {
  char text[INET6_ADDRSTRLEN] = {};
  const void* const address =
      found.ai_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(found.ai_addr)->sin_addr)
          : &reinterpret_cast<const sockaddr_in6*>(found.ai_addr)->sin6_addr;
  inet_ntop(found.ai_family, address, text, sizeof text);
  Upstream upstream;
  upstream.host = text;
  upstream.port = port;
  return upstream;
}

Upstream tcp(std::string host, std::uint16_t port) {
  Upstream upstream;
  upstream.host = std::move(host);
  upstream.port = port;
  return upstream;
}

bool is_localhost(std::string_view name) noexcept {
  return name == "localhost" || name.ends_with(".localhost");  // RFC 6761, 6.3
}

}  // namespace

std::vector<Upstream> look_up(const std::string& name, std::uint16_t port) {
  if (is_localhost(name)) return {tcp("127.0.0.1", port), tcp("::1", port)};
  addrinfo wish{};
  wish.ai_family = AF_UNSPEC;
  wish.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &wish, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<Upstream> upstreams;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    Upstream upstream = upstream_of(*at, port);
    if (std::ranges::find(upstreams, upstream) == upstreams.end())
      upstreams.push_back(std::move(upstream));
  }
  return upstreams;
}

void Names::start() {
  asio::co_spawn(loop_, refresh(), asio::detached);
}

void Names::resolve(std::shared_ptr<RouteEntry> entry, std::function<void()> done) {
  const Upstream& target = entry->target.upstream;
  if (is_localhost(target.host)) {
    entry->addresses.set(look_up(target.host, target.port));
    return done();
  }
  asio::post(loop_, [this, entry = std::move(entry), done = std::move(done)]() mutable {
    asio::co_spawn(loop_, resolve_one(std::move(entry), std::move(done)), asio::detached);
  });
}

Task<void> Names::resolve_one(std::shared_ptr<RouteEntry> entry, std::function<void()> done) {
  const Upstream& target = entry->target.upstream;
  watched_[{target.host, target.port}].push_back(entry);
  const auto told = std::make_shared<bool>(false);
  const auto patience = std::make_shared<asio::steady_timer>(loop_, kPatience);
  const auto tell = [told, done = std::move(done)] {
    if (!*told) done();
    *told = true;
  };
  patience->async_wait([patience, tell](const boost::system::error_code& error) {
    if (!error) tell();
  });
  std::vector<Upstream> addresses = co_await addresses_of(target.host, target.port);
  entry->addresses.set(std::move(addresses));
  patience->cancel();
  tell();
}

Task<std::vector<Upstream>> Names::addresses_of(std::string name, std::uint16_t port) {
  const auto work = [name, port] { return Result<std::vector<Upstream>>(look_up(name, port)); };
  auto found = co_await pool_.run(work);
  co_return found ? std::move(*found) : std::vector<Upstream>();
}

Task<void> Names::refresh() {
  for (;;) {
    co_await sleep_for(kRefresh);
    std::vector<std::pair<std::string, std::uint16_t>> names;
    for (auto at = watched_.begin(); at != watched_.end();) {
      std::erase_if(at->second, [](const auto& entry) { return entry.expired(); });
      if (!at->second.empty()) names.push_back(at->first);
      at = at->second.empty() ? watched_.erase(at) : std::next(at);
    }
    for (const auto& [name, port] : names) {
      const std::vector<Upstream> addresses = co_await addresses_of(name, port);
      if (addresses.empty()) continue;
      for (const auto& weak : watched_[{name, port}])
        if (const auto entry = weak.lock()) entry->addresses.set(addresses);
    }
  }
}

}  // namespace passerelle::chp
