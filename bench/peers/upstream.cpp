// upstream: the server behind every proxy of the side-by-side bench. One thread, epoll: answers
// each request head with the same 200 bytes, keeps connections, and echoes WebSocket messages below
// 126 bytes. It must cost less than any proxy, so it parses nothing that it does not need: requests
// with a body are not for it. Listens on the Unix socket or port that a spawner names
// (PASSERELLE_SOCKET, PASSERELLE_PORT), else on --port.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(2);
}

struct Connection {
  std::string received;  ///< An incomplete head or frame; empty while idle.
  bool websocket = false;
};

const std::string& small_answer() {
  static const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 200\r\n\r\n" +
      std::string(200, 'x');
  return answer;
}

std::string accept_key(std::string_view key) {
  const std::string both =
      std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, 1.3
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(both.data()), both.size(), digest.data());
  std::array<unsigned char, 32> text{};
  EVP_EncodeBlock(text.data(), digest.data(), SHA_DIGEST_LENGTH);
  return reinterpret_cast<const char*>(text.data());
}

/// The value of a field, whatever the case of its name; empty if absent.
std::string_view field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    const auto same = [](char a, char b) {
      return (a | 0x20) == (b | 0x20);
    };  // names are letters and '-'
    if (line.size() > name.size() && line[name.size()] == ':' &&
        std::ranges::equal(line.substr(0, name.size()), name, same)) {
      const std::size_t start = line.find_first_not_of(' ', name.size() + 1);
      return start == std::string_view::npos ? std::string_view{} : line.substr(start);
    }
  }
  return {};
}

std::string answer_to(std::string_view head, Connection& connection) {
  const std::string_view key = field(head, "Sec-WebSocket-Key");
  if (key.empty()) return small_answer();
  connection.websocket = true;
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Accept: " +
         accept_key(key) + "\r\n\r\n";
}

/// Takes whole small frames off the front of `bytes` and gives them back unmasked (a close frame
/// too).
std::string echo_frames(std::string& bytes) {
  std::string out;
  while (bytes.size() >= 6) {
    const std::size_t length = static_cast<unsigned char>(bytes[1]) & 0x7FU;
    if (length > 125) fail("a frame over 125 bytes");
    if (bytes.size() < 6 + length) break;
    out.push_back(bytes[0]);
    out.push_back(static_cast<char>(length));
    for (std::size_t i = 0; i < length; ++i)
      out.push_back(static_cast<char>(bytes[6 + i] ^ bytes[2 + i % 4]));
    bytes.erase(0, 6 + length);
  }
  return out;
}

std::string answers_to(Connection& connection) {
  std::string out;
  while (!connection.websocket) {
    const std::size_t end = connection.received.find("\r\n\r\n");
    if (end == std::string::npos) return out;
    out += answer_to(std::string_view(connection.received).substr(0, end + 2), connection);
    connection.received.erase(0, end + 4);
  }
  return out + echo_frames(connection.received);
}

/// False when the connection is over. Answers are far below a socket buffer: a short write ends the
/// connection.
bool serve(int socket, Connection& connection) {
  std::array<char, 16384> buffer{};
  const ssize_t count = recv(socket, buffer.data(), buffer.size(), 0);
  if (count < 0) return errno == EAGAIN;
  if (count == 0) return false;
  connection.received.append(buffer.data(), static_cast<std::size_t>(count));
  const std::string out = answers_to(connection);
  if (connection.received.empty()) std::string().swap(connection.received);
  return out.empty() ||
         send(socket, out.data(), out.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(out.size());
}

int listen_unix(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string_view text = path;
  if (text.size() >= sizeof address.sun_path) fail("socket path too long");
  text.copy(address.sun_path, text.size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) fail("socket");
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  return socket;
}

int listen_tcp(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10)));
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) fail("socket");
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  return socket;
}

void run(int listener) {
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{.events = EPOLLIN, .data = {.fd = listener}};
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wanted);
  std::unordered_map<int, Connection> connections;
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int count = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      if (socket == listener) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) continue;
        const int on = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        wanted = {.events = EPOLLIN, .data = {.fd = accepted}};
        epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &wanted);
        connections[accepted] = {};
      } else if (!serve(socket, connections[socket])) {
        connections.erase(socket);
        close(socket);
      }
    }
  }
}

/// A gateway that is pinned hands its core down to the servers it starts: this moves us away from
/// it.
void move_to_core(const char* core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(std::strtoul(core, nullptr, 10), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) fail("sched_setaffinity");
}

}  // namespace

int main(int argc, char** argv) {
  const char* path = std::getenv("PASSERELLE_SOCKET");
  const char* port = std::getenv("PASSERELLE_PORT");
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--port") port = argv[i + 1];
    if (name == "--core") move_to_core(argv[i + 1]);
  }
  const bool unix_socket = path != nullptr && *path != '\0';
  if (!unix_socket && port == nullptr)
    fail("neither PASSERELLE_SOCKET, PASSERELLE_PORT nor --port");
  const int listener = unix_socket ? listen_unix(path) : listen_tcp(port);
  if (listen(listener, 4096) != 0) fail("listen");
  run(listener);
}
