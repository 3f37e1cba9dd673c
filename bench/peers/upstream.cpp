// upstream: the server behind every proxy of the side-by-side bench. One thread, epoll. Answers
// each request with the same 200 bytes, a path that ends in "/down" with 10 MiB; takes bodies of
// any length in; echoes WebSocket messages up to 1 MiB. It must cost less than any proxy, so it
// parses nothing that it does not need: chunked requests are not for it. Listens on the Unix socket
// or port that a spawner names (PASSERELLE_SOCKET, PASSERELLE_PORT), else on --port.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

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

constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::size_t kLongAnswer = 10U << 20U;
constexpr std::size_t kMostFrame = 1U << 20U;

struct Connection {
  std::string received;     ///< An incomplete head or frame; empty while idle.
  std::string answers;      ///< Heads, short answers and frames that are still to be sent.
  std::size_t zeros = 0;    ///< Then so many bytes of a long body.
  std::size_t to_drop = 0;  ///< Of a request's body.
  bool owes_small = false;  ///< After the request's body.
  bool websocket = false;
  bool closes = false;      ///< Once all is sent.
  bool tells_room = false;  ///< epoll was asked to.
  bool pending() const { return !answers.empty() || zeros != 0; }
};

std::string small_answer() {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: "
         "200\r\n\r\n" +
         std::string(200, 'x');
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

void answer(std::string_view head, Connection& connection) {
  connection.closes = field(head, "Connection") == "close";
  const std::string_view key = field(head, "Sec-WebSocket-Key");
  if (!key.empty()) {
    connection.websocket = true;
    connection.answers +=
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: " +
        accept_key(key) + "\r\n\r\n";
    return;
  }
  const std::string_view length = field(head, "Content-Length");
  if (!length.empty()) connection.to_drop = std::strtoul(std::string(length).c_str(), nullptr, 10);
  const std::string_view target = head.substr(0, head.find(" HTTP/"));
  if (!target.ends_with("/down")) {
    connection.owes_small = true;
    return;
  }
  connection.answers +=
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLongAnswer) + "\r\n\r\n";
  connection.zeros = kLongAnswer;
}

/// The head of one message of a client: its size, where its payload lies.
struct Frame {
  std::size_t header = 6;
  std::size_t length = 0;
};

/// False: there is not enough of it yet.
bool read_frame(std::string_view bytes, Frame& frame) {
  const auto at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < frame.header) return false;
  frame.length = at(1) & 0x7FU;
  const std::size_t wide = frame.length == 126 ? 2 : frame.length == 127 ? 8 : 0;
  frame.header += wide;
  if (bytes.size() < frame.header) return false;
  if (wide != 0) frame.length = 0;
  for (std::size_t i = 0; i < wide; ++i) frame.length = frame.length << 8U | at(2 + i);
  if (frame.length > kMostFrame) fail("a frame over 1 MiB");
  return bytes.size() >= frame.header + frame.length;
}

/// Gives whole frames at the front of `bytes` back unmasked (a close frame too), and tells how many
/// bytes they were.
std::size_t echo_frames(std::string_view bytes, std::string& out) {
  std::size_t used = 0;
  for (Frame frame; read_frame(bytes.substr(used), frame); frame = {}) {
    const std::string_view whole = bytes.substr(used, frame.header + frame.length);
    out.push_back(whole[0]);
    out.push_back(static_cast<char>(whole[1] & 0x7F));
    out.append(whole.substr(2, frame.header - 6));
    const std::string_view mask = whole.substr(frame.header - 4, 4);
    const std::size_t start = out.size();
    out.append(whole.substr(frame.header));
    if (mask != std::string_view("\0\0\0\0", 4))
      for (std::size_t i = 0; i < frame.length; ++i)
        out[start + i] = static_cast<char>(out[start + i] ^ mask[i % 4]);
    used += whole.size();
  }
  return used;
}

/// Drops what of `bytes` is a request's body; the answer follows its end.
void take_body(Connection& connection, std::string_view& bytes) {
  static const std::string kSmall = small_answer();
  const std::size_t dropped = std::min(connection.to_drop, bytes.size());
  connection.to_drop -= dropped;
  bytes.remove_prefix(dropped);
  if (connection.to_drop == 0 && std::exchange(connection.owes_small, false))
    connection.answers += kSmall;
}

void take_in(Connection& connection, std::string_view bytes) {
  take_body(connection, bytes);
  if (bytes.empty()) return;
  std::string& received = connection.received;
  if (connection.websocket && received.empty()) {
    received.assign(bytes.substr(echo_frames(bytes, connection.answers)));
    return;
  }
  received += bytes;
  if (connection.websocket) {
    received.erase(0, echo_frames(received, connection.answers));
    return;
  }
  const std::size_t end = received.find("\r\n\r\n");
  if (end == std::string::npos) return;
  answer(std::string_view(received).substr(0, end + 2), connection);
  const std::string rest = received.substr(end + 4);
  std::string().swap(received);
  take_in(connection, rest);
}

/// Sends what there is to send; false when the peer is gone.
bool flush(int socket, Connection& connection) {
  static const std::string kZeros(256U << 10U, '\0');
  while (connection.pending()) {
    const bool head = !connection.answers.empty();
    const std::string_view next =
        head ? std::string_view(connection.answers)
             : std::string_view(kZeros).substr(0, std::min(kZeros.size(), connection.zeros));
    const ssize_t sent = send(socket, next.data(), next.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    if (!head)
      connection.zeros -= static_cast<std::size_t>(sent);
    else if (static_cast<std::size_t>(sent) == next.size())
      connection.answers.clear();
    else
      connection.answers.erase(0, static_cast<std::size_t>(sent));
  }
  return !connection.closes || connection.owes_small;
}

/// False when the connection is over. Edge-triggered: reads until nothing is left.
bool serve(int socket, Connection& connection, bool ending) {
  static std::array<char, 256U << 10U> buffer;
  for (;;) {
    const ssize_t count = recv(socket, buffer.data(), buffer.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return false;
    if (count < 0) return flush(socket, connection);
    take_in(connection, {buffer.data(), static_cast<std::size_t>(count)});
    const bool drained = static_cast<std::size_t>(count) < buffer.size() && !ending;
    if (drained || connection.answers.size() >= kMostFrame) {
      if (!flush(socket, connection)) return false;
      if (drained) return true;
    }
  }
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
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const int socket = event.data.fd;
      if (socket == listener) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) continue;
        const int on = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        wanted = {.events = kReading, .data = {.fd = accepted}};
        epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &wanted);
        connections[accepted] = {};
        continue;
      }
      Connection& connection = connections[socket];
      if (!serve(socket, connection, (event.events & (EPOLLRDHUP | EPOLLHUP)) != 0)) {
        connections.erase(socket);
        close(socket);
      } else if (connection.pending() && !connection.tells_room) {
        connection.tells_room = true;
        wanted = {.events = kReading | EPOLLOUT, .data = {.fd = socket}};
        epoll_ctl(poll, EPOLL_CTL_MOD, socket, &wanted);
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
