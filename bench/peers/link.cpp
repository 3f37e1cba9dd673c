#include "link.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {
namespace {

SSL_CTX* settings() {
  static SSL_CTX* const context = [] {
    SSL_CTX* const made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
    SSL_CTX_set1_groups_list(made, "P-256");
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return made;
  }();
  return context;
}

}  // namespace

void fail(const std::string& what) {
  std::fprintf(stderr, "load: %s (%s)\n", what.c_str(), std::strerror(errno));
  std::exit(2);
}

Link::Link(std::uint16_t port, bool tls) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail("socket");
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("connect");
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!tls) return;
  tls_ = SSL_new(settings());
  SSL_set_fd(tls_, fd_);
  SSL_set_connect_state(tls_);
}

Link::Link(Link&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), tls_(std::exchange(other.tls_, nullptr)) {}

Link& Link::operator=(Link&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(tls_, other.tls_);
  return *this;
}

Link::State Link::state_of(int result) {
  const int why = SSL_get_error(tls_, result);
  ERR_clear_error();
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? State::again : State::over;
}

Link::State Link::shake_hands() {
  if (tls_ == nullptr) return State::ok;
  const int result = SSL_do_handshake(tls_);
  return result == 1 ? State::ok : state_of(result);
}

Link::State Link::read(std::span<char> into, std::size_t& count) {
  count = 0;
  if (tls_ != nullptr) {
    const int result = SSL_read_ex(tls_, into.data(), into.size(), &count);
    return result == 1 ? State::ok : state_of(result);
  }
  const ssize_t got = recv(fd_, into.data(), into.size(), 0);
  if (got < 0 && errno == EAGAIN) return State::again;
  if (got <= 0) return State::over;
  count = static_cast<std::size_t>(got);
  return State::ok;
}

Link::State Link::write(std::string_view bytes, std::size_t& count) {
  count = 0;
  if (tls_ != nullptr) {
    const int result = SSL_write_ex(tls_, bytes.data(), bytes.size(), &count);
    return result == 1 ? State::ok : state_of(result);
  }
  const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN ? State::again : State::over;
  count = static_cast<std::size_t>(sent);
  return State::ok;
}

void Link::block(bool blocking) {
  const int flags = fcntl(fd_, F_GETFL);
  fcntl(fd_, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

void Link::close() {
  if (tls_ != nullptr) SSL_free(tls_);
  if (fd_ >= 0) ::close(fd_);
  tls_ = nullptr;
  fd_ = -1;
}

}  // namespace bench
