// load: the load generator of the side-by-side bench. One thread, epoll, HTTP/1.1 keep-alive to
// 127.0.0.1.
//   load get  --port P --path /x --connections 64 --seconds 2 [--headers FILE]   as fast as the
//   connections allow load rate --rate 2000 ...      open loop: latency counts from the instant a
//   request was due, not from when it was sent load idle --connections 2000   that many WebSockets
//   that said one word each; "ready", then until standard input ends
// Prints one JSON object. Reads answers with Content-Length and status 200 only: anything else is
// counted as an error.
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "load: %s (%s)\n", what.c_str(), std::strerror(errno));
  std::exit(2);
}

struct Options {
  std::string mode;
  std::uint16_t port = 0;
  std::string path = "/";
  std::string headers;  ///< Whole lines, each with its CRLF: a session's cookie stays out of argv.
  std::size_t connections = 64;
  double seconds = 2;
  double rate = 0;  ///< Requests a second; 0: closed loop.
};

std::string read_lines(const char* file) {
  std::ifstream in(file);
  std::string out;
  for (std::string line; std::getline(in, line);) out += line + "\r\n";
  return out;
}

Options parse(int argc, char** argv) {
  Options options;
  options.mode = argc > 1 ? argv[1] : "";
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port")
      options.port = static_cast<std::uint16_t>(std::strtoul(value, nullptr, 10));
    else if (name == "--path")
      options.path = value;
    else if (name == "--headers")
      options.headers = read_lines(value);
    else if (name == "--connections")
      options.connections = std::strtoul(value, nullptr, 10);
    else if (name == "--seconds")
      options.seconds = std::strtod(value, nullptr);
    else if (name == "--rate")
      options.rate = std::strtod(value, nullptr);
    else
      fail("unknown option " + std::string(name));
  }
  const bool known = options.mode == "get" || options.mode == "idle" ||
                     (options.mode == "rate" && options.rate > 0);
  if (!known || options.port == 0) fail("usage: load get|rate|idle --port PORT ...");
  return options;
}

int connect_to(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) fail("socket");
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("connect");
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

std::string request_head(const Options& options, std::string_view extra) {
  // What a browser sends with a small request: proxies must carry it all.
  return "GET " + options.path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.port) +
         "\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/140.0 Safari/537.36"
         "\r\nAccept: application/json, text/plain, */*\r\nAccept-Language: fr-FR,fr;q=0.9,en;q=0.8"
         "\r\nAccept-Encoding: gzip, deflate, br\r\n" +
         options.headers + std::string(extra) + "\r\n";
}

/// How many bytes the answer at the front of `bytes` has; 0: not all there yet; nothing: not an
/// answer we can read.
std::optional<std::size_t> answer_size(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  static constexpr std::string_view kName = "content-length:";
  const auto lower = [](char letter) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  };
  const auto head = bytes.substr(0, end + 2);
  const auto found = std::ranges::search(head, kName, {}, lower).begin();
  if (!bytes.starts_with("HTTP/1.1 200") || found == head.end()) return std::nullopt;
  const auto at = static_cast<std::size_t>(found - head.begin()) + kName.size();
  const std::size_t whole =
      end + 4 + std::strtoul(std::string(head.substr(at, 12)).c_str(), nullptr, 10);
  return bytes.size() < whole ? 0 : whole;
}

class Load {
 public:
  explicit Load(Options options)
      : options_(std::move(options)), request_(request_head(options_, "")) {
    poll_ = epoll_create1(EPOLL_CLOEXEC);
    prctl(PR_SET_TIMERSLACK,
          1);  // else every wait is up to 50 us late, which an open loop would report as latency
    lines_.resize(options_.connections);
    for (std::size_t i = 0; i < lines_.size(); ++i) open(i);
    latencies_.reserve(1U << 20U);
  }

  void run() {
    start_ = Clock::now();
    end_ = start_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(options_.seconds));
    for (std::size_t i = 0; i < lines_.size(); ++i) idle_.push_back(i);
    while (Clock::now() < end_) {
      send_due();
      wait();
    }
  }

  void report() {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    std::ranges::sort(latencies_);
    std::printf(
        R"({"requests": %zu, "errors": %zu, "seconds": %.4f, "rps": %.0f, "p50_us": %.1f, "p99_us": %.1f})"
        "\n",
        latencies_.size(), errors_, seconds, static_cast<double>(latencies_.size()) / seconds,
        quantile(0.50), quantile(0.99));
  }

 private:
  struct Line {
    int socket = -1;
    Clock::time_point due;  ///< When its request was to be sent.
    bool waiting = false;
    std::string received;
  };

  void open(std::size_t index) {
    Line& line = lines_[index];
    line = {};
    line.socket = connect_to(options_.port);
    epoll_event wanted{.events = EPOLLIN, .data = {.u64 = index}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, line.socket, &wanted);
  }

  /// Closed loop: every idle connection at once. Open loop: as many as are due; late ones wait and
  /// keep their instant.
  void send_due() {
    const auto now = Clock::now();
    while (!idle_.empty() && (options_.rate == 0 || due(next_) <= now)) {
      Line& line = lines_[idle_.front()];
      line.due = options_.rate == 0 ? Clock::now() : due(next_);
      line.waiting = true;
      ++next_;
      const auto sent = send(line.socket, request_.data(), request_.size(), MSG_NOSIGNAL);
      if (sent != static_cast<ssize_t>(request_.size())) lost(idle_.front());
      idle_.pop_front();
    }
  }

  Clock::time_point due(std::uint64_t number) const {
    return start_ + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(number) *
                                                                       1e9 / options_.rate));
  }

  void wait() {
    std::array<epoll_event, 256> events{};
    const auto until = options_.rate > 0 && !idle_.empty() ? std::min(end_, due(next_)) : end_;
    const auto left =
        std::max<std::int64_t>(0, std::chrono::nanoseconds(until - Clock::now()).count());
    const timespec timeout{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    const int count =
        epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    for (int i = 0; i < count; ++i)
      receive(static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64));
  }

  void receive(std::size_t index) {
    Line& line = lines_[index];
    std::array<char, 65536> buffer;
    const ssize_t count = recv(line.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return lost(index);
    line.received.append(buffer.data(), static_cast<std::size_t>(count));
    const auto size = answer_size(line.received);
    if (!size) return lost(index);
    if (*size == 0) return;
    const std::chrono::duration<float, std::micro> took = Clock::now() - line.due;
    latencies_.push_back(took.count());
    line.received.clear();
    line.waiting = false;
    idle_.push_back(index);
  }

  /// The connection ended or said something else than we asked for: an error if it owed us an
  /// answer.
  void lost(std::size_t index) {
    const bool owed = lines_[index].waiting;
    if (owed) ++errors_;
    close(lines_[index].socket);
    open(index);
    if (owed) idle_.push_back(index);
  }

  double quantile(double part) const {
    if (latencies_.empty()) return 0;
    return latencies_[static_cast<std::size_t>(static_cast<double>(latencies_.size() - 1) * part)];
  }

  Options options_;
  std::string request_;
  int poll_ = -1;
  std::vector<Line> lines_;
  std::deque<std::size_t> idle_;
  std::uint64_t next_ = 0;
  Clock::time_point start_, end_;
  std::vector<float> latencies_;
  std::size_t errors_ = 0;
};

void receive_exactly(int socket, std::string_view end_mark, std::size_t at_least) {
  std::string received;
  std::array<char, 4096> buffer{};
  while (received.size() < at_least || received.find(end_mark) == std::string::npos) {
    const ssize_t count = recv(socket, buffer.data(), buffer.size(), 0);
    if (count <= 0) fail("a WebSocket was closed while it was set up");
    received.append(buffer.data(), static_cast<std::size_t>(count));
    if (end_mark == "\r\n\r\n" && received.size() > 12 && !received.starts_with("HTTP/1.1 101"))
      fail("no WebSocket here: " + received.substr(0, received.find("\r\n")));
  }
}

int open_websocket(const Options& options, const std::string& head) {
  const int socket = connect_to(options.port);
  if (send(socket, head.data(), head.size(), MSG_NOSIGNAL) < 0) fail("send");
  receive_exactly(socket, "\r\n\r\n", 0);
  static constexpr std::string_view kHello("\x81\x85\0\0\0\0hello",
                                           11);  // one masked text frame, its mask all zero
  if (send(socket, kHello.data(), kHello.size(), MSG_NOSIGNAL) < 0) fail("send");
  receive_exactly(socket, "hello", 7);
  return socket;
}

void hold_idle(const Options& options) {
  const std::string head =
      request_head(options,
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
  std::vector<int> sockets;
  sockets.reserve(options.connections);
  for (std::size_t i = 0; i < options.connections; ++i)
    sockets.push_back(open_websocket(options, head));
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  std::size_t alive = 0;
  char byte = 0;
  for (const int socket : sockets)
    if (recv(socket, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) ++alive;
  std::printf("{\"alive\": %zu}\n", alive);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.mode == "idle") {
    hold_idle(options);
    return 0;
  }
  Load load(options);
  load.run();
  load.report();
}
