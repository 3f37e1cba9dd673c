#include "proxy/listener.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/connection.hpp"
#include "proxy/socket.hpp"

namespace passerelle::proxy {
namespace {

constexpr int kBatch = 64;
constexpr int kBacklog = 4096;
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: "
    "close\r\n\r\n";

int open_reserve() noexcept {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

Error last_error(const std::string& what) {
  return {Errc::unavailable, what + ": " + std::generic_category().message(errno)};
}

std::string text_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_UNIX) return {};
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
    return text;
  }
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6))
    inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, &v6, text, sizeof text);
  return text;
}

socklen_t address_of(const std::string& text,
                     std::uint16_t port,
                     sockaddr_storage& address) noexcept {
  if (text.empty()) return address_of("::", port, address);
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return sizeof v4;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) != 1) return 0;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return sizeof v6;
}

// One that was left behind by a process that was killed gives way; a living one does not.
Result<void> make_room(const std::string& path, const sockaddr* where, socklen_t size) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const bool answered = probe >= 0 && (connect(probe, where, size) == 0 || errno == EAGAIN);
  if (probe >= 0) close(probe);
  if (answered) return Error(Errc::unavailable, "listen on " + path + ": another process does");
  struct stat found{};
  if (lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) unlink(path.c_str());
  return {};
}

Result<int> bind_unix(const std::string& path) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  if (path.size() >= sizeof where.sun_path)
    return Error(Errc::invalid, "listen: the path is too long for a socket: " + path);
  std::memcpy(where.sun_path, path.data(), path.size());
  const auto* const address = reinterpret_cast<const sockaddr*>(&where);
  if (auto room = make_room(path, address, sizeof where); !room) return std::move(room).error();
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return last_error("listen: no socket");
  if (::bind(fd, address, sizeof where) == 0 && listen(fd, kBacklog) == 0) return fd;
  Error error = last_error("listen on " + path);
  close(fd);
  return error;
}

// "" is both families at once, or IPv4 alone where there is no IPv6.
Result<int> bind_tcp(const std::string& address, std::uint16_t port) {
  sockaddr_storage where{};
  const socklen_t size = address_of(address, port, where);
  if (size == 0) return Error(Errc::invalid, "listen: not a numeric address: " + address);
  const int fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 && address.empty()) return bind_tcp("0.0.0.0", port);
  if (fd < 0) return last_error("listen: no socket");
  const int on = 1;
  const int off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.empty()) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  tune_tcp(fd);  // what it accepts inherits these
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&where), size) == 0 && listen(fd, kBacklog) == 0)
    return fd;
  Error error = last_error("listen on " + address + " port " + std::to_string(port));
  close(fd);
  return error;
}

}  // namespace

Result<int> Listener::bind(const Endpoint& endpoint, std::uint16_t port) {
  return endpoint.is_unix() ? bind_unix(endpoint.address) : bind_tcp(endpoint.address, port);
}

Result<void> Listener::check_free(const Endpoint& endpoint) {
  sockaddr_storage where{};
  const socklen_t size = address_of(endpoint.address, endpoint.port, where);
  if (endpoint.is_unix() || endpoint.port == 0 || size == 0) return {};
  const int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};  // bind() will say why
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  Result<void> free;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&where), size) != 0)
    free = last_error("listen on " + endpoint.address + " port " + std::to_string(endpoint.port));
  ::close(fd);
  return free;
}

std::uint16_t Listener::port_of(int fd) noexcept {
  sockaddr_storage where{};
  socklen_t size = sizeof where;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size) != 0) return 0;
  if (where.ss_family == AF_UNIX) return 0;
  return ntohs(where.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(where).sin_port
                                          : reinterpret_cast<const sockaddr_in6&>(where).sin6_port);
}

Listener::Listener(Lane& lane, int fd, const Endpoint& endpoint) noexcept
    : lane_(lane), endpoint_(endpoint), fd_(fd), reserve_(open_reserve()) {
  lane_.loop->watch(fd_, EPOLLIN, *this);  // level-triggered: what one batch leaves is told again
}

Listener::~Listener() {
  close();
}

void Listener::accept_last() noexcept {
  for (int at = 0; at < kBacklog && accept_one(); ++at) {
  }
  close();
}

void Listener::close() noexcept {
  if (fd_ < 0) return;
  lane_.loop->forget(fd_, *this);
  ::close(fd_);
  if (reserve_ >= 0) ::close(reserve_);
  fd_ = reserve_ = -1;
}

void Listener::on_events(std::uint32_t) noexcept {
  if (held_) return;  // fetched before we were told
  for (int at = 0; at < kBatch && accept_one(); ++at) {
  }
}

/// False when there is nobody else, or no room.
bool Listener::accept_one() noexcept {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const int fd =
      accept4(fd_, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE) return spend_reserve();
    if (errno == ENOBUFS || errno == ENOMEM) pause();
    return errno == ECONNABORTED || errno == EINTR;
  }
  std::atomic<std::uint32_t>& connections = lane_.shared.connections;
  if (connections.fetch_add(1, std::memory_order_relaxed) >=
          lane_.settings.limits.max_connections ||
      lane_.pressure >= Pressure::no_newcomers) {
    connections.fetch_sub(1, std::memory_order_relaxed);
    turn_away(fd);
    return true;
  }
  lane_.counts.accepted.add();
  ++lane_.connections;
  serve_connection(lane_, fd, text_of(from), endpoint_);
  return true;
}

void Listener::turn_away(int fd) noexcept {
  lane_.counts.turned_away.add();
  // To a client that expects TLS, the close is all we can say.
  if (endpoint_.tls) {
    ::close(fd);
    return;
  }
  // Read first: a close with unread bytes would be a RST, and our words would be lost with it.
  recv(fd, lane_.read_room.data(), lane_.read_room.size(), MSG_DONTWAIT);
  send(fd, kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(fd);
}

/// No descriptor is left: gives up the reserve to tell those who wait so, and pauses till the
/// next tick.
bool Listener::spend_reserve() noexcept {
  if (reserve_ >= 0) ::close(reserve_);
  for (int told = 0; reserve_ >= 0 && told < kBatch; ++told) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) break;
    turn_away(fd);
  }
  reserve_ = open_reserve();
  pause();
  return false;
}

void Listener::pause() noexcept {
  paused_ = true;
  lane_.loop->rewatch(fd_, 0, *this);
  lane_.loop->keep_ticking();
}

void Listener::hold() noexcept {
  held_ = true;
  if (fd_ >= 0) lane_.loop->rewatch(fd_, 0, *this);
}

void Listener::go_on() noexcept {
  held_ = false;
  if (fd_ >= 0 && !paused_) lane_.loop->rewatch(fd_, EPOLLIN, *this);
}

void Listener::resume() noexcept {
  if (!paused_ || held_ || fd_ < 0) return;
  if (reserve_ < 0) reserve_ = open_reserve();
  paused_ = false;
  lane_.loop->rewatch(fd_, EPOLLIN, *this);
}

}  // namespace passerelle::proxy
