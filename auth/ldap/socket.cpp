#include "auth/ldap/socket.hpp"

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.hpp"

namespace passerelle::auth::ldap {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Error failed(int code) {
  return {code == ETIMEDOUT ? Errc::timeout : Errc::unavailable,
          std::generic_category().message(code)};
}

int milliseconds_until(Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count()));
}

// 0, or errno.
int wait_connected(int fd, Deadline deadline) {
  pollfd poller{fd, POLLOUT, 0};
  int ready = 0;
  do {
    ready = ::poll(&poller, 1, milliseconds_until(deadline));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) return ETIMEDOUT;
  if (ready < 0) return errno;
  int code = 0;
  socklen_t size = sizeof code;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno : code;
}

Result<int> connect_to(int family, const sockaddr* address, socklen_t size, Deadline deadline) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return failed(errno);
  int code = ::connect(fd, address, size) == 0 ? 0 : errno;
  if (code == EINPROGRESS) code = wait_connected(fd, deadline);
  if (code != 0) {
    ::close(fd);
    return failed(code);
  }
  // libldap expects a blocking socket; its reads wait in poll.
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  const int on = 1;
  if (family != AF_UNIX) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Result<int> connect_local(const std::string& path, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error(Errc::invalid, "the path of the socket is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return connect_to(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address, deadline);
}

Result<std::uint16_t> parse_port(std::string_view digits) {
  std::uint32_t port = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9' || port > 65535) return Error(Errc::invalid, "the port is no number");
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (port == 0 || port > 65535) return Error(Errc::invalid, "the port is out of range");
  return static_cast<std::uint16_t>(port);
}

}  // namespace

Result<Uri> parse_uri(std::string_view given) {
  Uri uri;
  const std::size_t colon = given.find("://");
  const std::string scheme = text::ascii_lower(given.substr(0, colon));
  if (colon == std::string_view::npos) return Error(Errc::invalid, "is no ldap:// address");
  std::string_view rest = given.substr(colon + 3);
  if (scheme == "ldapi") {
    uri.scheme = Uri::Scheme::ldapi;
    const auto path = text::percent_decode(rest);
    if (!path || !path->starts_with('/')) return Error(Errc::invalid, "names no socket");
    uri.host = *path;
    return uri;
  }
  if (scheme != "ldap" && scheme != "ldaps") return Error(Errc::invalid, "is no ldap:// address");
  if (scheme == "ldaps") uri = {Uri::Scheme::ldaps, "", 636};
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : 0;
  if (bracket == std::string_view::npos) return Error(Errc::invalid, "lacks a `]`");
  const std::size_t port = rest.find(':', bracket);
  uri.host = rest.substr(0, port);
  if (uri.host.starts_with('[')) uri.host = uri.host.substr(1, bracket - 1);
  if (uri.host.empty() || uri.host.find_first_of("/?@ ") != std::string::npos)
    return Error(Errc::invalid, "must be a scheme, a host and perhaps a port");
  if (port == std::string_view::npos) return uri;
  const auto number = parse_port(rest.substr(port + 1));
  if (!number) return number.error();
  uri.port = *number;
  return uri;
}

Result<int> connect_socket(const Uri& uri, Deadline deadline) {
  if (uri.scheme == Uri::Scheme::ldapi) return connect_local(uri.host, deadline);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int code = getaddrinfo(uri.host.c_str(), std::to_string(uri.port).c_str(), &wanted, &list);
  if (code != 0)
    return Error(Errc::unavailable,
                 "the name " + uri.host + " is not known: " + gai_strerror(code));
  const Addresses addresses(list);
  std::size_t left = 0;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) ++left;
  Error last(Errc::unavailable, "has no address");
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next, --left) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return failed(ETIMEDOUT);
    const auto share = (deadline - now) / static_cast<int>(left);
    auto fd = connect_to(one->ai_family, one->ai_addr, one->ai_addrlen, now + share);
    if (fd) return fd;
    last = std::move(fd).error();
  }
  return last;
}

}  // namespace passerelle::auth::ldap
