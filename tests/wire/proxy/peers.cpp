#include "tests/wire/proxy/peers.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secrets.hpp"

namespace passerelle::proxy::wire {
namespace {

using Steady = std::chrono::steady_clock;

bool wait_for(int fd, short events, milliseconds limit) {
  pollfd wanted{fd, events, 0};
  return poll(&wanted, 1, static_cast<int>(std::max(limit, milliseconds(0)).count())) > 0;
}

milliseconds left_until(Steady::time_point end) {
  return std::chrono::duration_cast<milliseconds>(end - Steady::now());
}

}  // namespace

Peer::Peer(Peer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

Peer& Peer::operator=(Peer&& other) noexcept {
  close();
  fd_ = std::exchange(other.fd_, -1);
  buffer_ = std::move(other.buffer_);
  return *this;
}

Peer Peer::connect(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return Peer(fd);
  ::close(fd);
  return Peer();
}

Peer Peer::connect(const std::string& unix_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return Peer(fd);
  ::close(fd);
  return Peer();
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait_for(fd_, POLLOUT, milliseconds(10'000))) return false;
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Peer::fill(milliseconds limit) {
  if (!wait_for(fd_, POLLIN, limit)) return false;
  char room[65536];
  const ssize_t got = recv(fd_, room, sizeof room, 0);
  if (got < 0) reset_ = errno == ECONNRESET;
  if (got <= 0) return false;
  buffer_.append(room, static_cast<std::size_t>(got));
  return true;
}

std::string Peer::read_until(std::string_view end, milliseconds limit) {
  const auto until = Steady::now() + limit;
  std::size_t at = std::string::npos;
  while ((at = buffer_.find(end)) == std::string::npos)
    if (!fill(left_until(until))) return std::exchange(buffer_, {});
  std::string out = buffer_.substr(0, at + end.size());
  buffer_.erase(0, out.size());
  return out;
}

std::string Peer::read_exactly(std::size_t count, milliseconds limit) {
  const auto until = Steady::now() + limit;
  while (buffer_.size() < count && fill(left_until(until))) {
  }
  std::string out = buffer_.substr(0, count);
  buffer_.erase(0, out.size());
  return out;
}

std::string Peer::read_all(milliseconds limit) {
  const auto until = Steady::now() + limit;
  while (fill(left_until(until))) {
  }
  return std::exchange(buffer_, {});
}

std::string Peer::read_some(milliseconds limit) {
  if (buffer_.empty()) fill(limit);
  return std::exchange(buffer_, {});
}

bool Peer::ended(milliseconds limit) {
  if (!buffer_.empty() || !wait_for(fd_, POLLIN, limit)) return false;
  return !fill(limit);
}

void Peer::half_close() {
  shutdown(fd_, SHUT_WR);
}

bool Peer::end_arrived() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  return getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_state == TCP_FIN_WAIT2;
}

void Peer::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Peer::reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Peer::small_window(int bytes) {
  setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

Upstream::Upstream(Script script, Kind kind) : script_(std::move(script)) {
  if (kind == Kind::tcp) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listening_, reinterpret_cast<const sockaddr*>(&address), size) == 0)
      getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    address_.host = "127.0.0.1";
    address_.port = ntohs(address.sin_port);
  } else {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    address_.kind = passerelle::Upstream::Kind::unix_socket;
    address_.path = "/tmp/passerelle-wire-" + secrets::random_hex(8);
    std::memcpy(address.sun_path, address_.path.data(), address_.path.size());
    listening_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  }
  listen(listening_, 512);
  acceptor_ = std::thread([this] { accept_all(); });
}

void Upstream::accept_all() {
  for (;;) {
    const int fd = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int number = connections_++;
    scripts_.emplace_back([this, fd, number] {
      Peer peer(fd);
      script_(peer, number);
    });
  }
}

void Upstream::stop() {
  if (listening_ < 0) return;
  shutdown(listening_, SHUT_RDWR);
  if (acceptor_.joinable()) acceptor_.join();
  ::close(std::exchange(listening_, -1));
  for (std::thread& script : scripts_) script.join();
  scripts_.clear();
  if (!address_.path.empty()) unlink(address_.path.c_str());
}

Verdict TestGate::admit(const RequestHead& head, std::string_view) noexcept {
  if (const auto& route = routes.match(head.path())) return Forward{route};
  return ToHub{most_body, "not-routed"};
}

TestHub::TestHub() {
  answer_with([](HubRequest request, std::shared_ptr<HubReply> reply) {
    HubResponse response;
    response.status = request.reason.starts_with("upstream") ? 502 : 200;
    response.body = request.method + " " + request.path + "?" + request.query +
                    " reason=" + request.reason + " host=" + request.host +
                    " peer=" + request.peer + " body=" + request.body;
    reply->send(std::move(response));
  });
}

void TestHub::answer_with(Answer answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

void TestHub::handle(HubRequest request, std::shared_ptr<HubReply> reply) noexcept {
  Answer answer;
  {
    const std::lock_guard lock(mutex_);
    answer = answer_;
  }
  answer(std::move(request), std::move(reply));
}

ProxySettings Wire::quick_settings() {
  ProxySettings settings;
  settings.limits.threads = 1;
  settings.access_log = false;
  settings.limits.max_connections_per_address = 0;  // all clients here share one
  return settings;
}

Wire::Wire(ProxySettings settings)
    : proxy(std::make_unique<Proxy>(std::move(settings), gate, hub)) {
  const Result<void> started = proxy->start();
  if (!started) throw std::runtime_error(started.error().message());
}

Wire::~Wire() {
  proxy->stop(seconds(0));
}

std::shared_ptr<Route> Wire::route(const Upstream& upstream, const std::string& prefix) {
  auto route = std::make_shared<Route>();
  route->prefix = prefix;
  route->upstream = upstream.address();
  gate.routes.add(route);
  return route;
}

std::string Wire::ask(const std::string& request) {
  Peer peer = client();
  peer.send(request);
  peer.half_close();
  return peer.read_all();
}

bool eventually(const std::function<bool()>& condition) {
  const auto until = Steady::now() + std::chrono::seconds(5);
  while (!condition()) {
    if (Steady::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

int open_descriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

std::string get(const std::string& path, const std::string& fields) {
  return "GET " + path + " HTTP/1.1\r\nHost: example.fr\r\n" + fields + "\r\n";
}

std::string ok(std::string_view body, const std::string& fields) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields +
         "\r\n" + std::string(body);
}

Upstream::Script echo_heads() {
  return [](Peer& peer, int) {
    for (std::string head = peer.read_head(); head.ends_with("\r\n\r\n"); head = peer.read_head())
      peer.send(ok(head));
  };
}

}  // namespace passerelle::proxy::wire
