// load: the load generator of the side-by-side bench. One thread, epoll, HTTP/1.1 to 127.0.0.1.
//   load get|up|close|websocket|handshake --port P --path /x --connections 64 --seconds 2
// Closed loop: as fast as the connections allow. With --rate an open one: latency counts from the
// instant a request was due, not from when it was sent. `up` sends a body of --size bytes, `close`
// makes a connection for each request and waits for the peer to end it, `websocket` has messages
// of --size bytes echoed, `handshake` counts TLS handshakes. Prints one JSON object. Reads answers
// with Content-Length and status 200 only: anything else is counted as an error.
//   load idle --connections 2000      that many WebSockets that said one word each; "ready", then
//                                     until standard input ends
#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "link.hpp"
#include "options.hpp"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
using State = Link::State;

/// Sends all of it; a blocking link.
void say(Link& link, std::string_view bytes) {
  std::size_t count = 0;
  for (; !bytes.empty(); bytes.remove_prefix(count))
    if (link.write(bytes, count) != State::ok) fail("a connection was closed while it was set up");
}

/// A blocking link becomes a WebSocket.
void open_websocket(Link& link, const std::string& head) {
  say(link, head);
  std::string received;
  std::array<char, 4096> buffer{};
  std::size_t count = 0;
  while (!received.ends_with("\r\n\r\n")) {
    if (link.read(buffer, count) != State::ok) fail("a WebSocket was closed while it was set up");
    received.append(buffer.data(), count);
  }
  if (!received.starts_with("HTTP/1.1 101"))
    fail("no WebSocket here: " + received.substr(0, received.find("\r\n")));
}

/// How far an answer has come.
class Answer {
 public:
  enum class Result { incomplete, complete, wrong };
  /// `size`: of a message, whose bytes are only counted; 0: HTTP.
  explicit Answer(std::size_t size = 0) : left_(size), head_done_(size != 0) {}

  Result take(std::string_view bytes) {
    if (!head_done_) {
      head_ += bytes;
      const std::size_t end = head_.find("\r\n\r\n");
      if (end == std::string::npos) return Result::incomplete;
      const auto length = content_length(std::string_view(head_).substr(0, end + 2));
      if (!length) return Result::wrong;
      bytes = std::string_view(head_).substr(end + 4);
      left_ = *length;
      head_done_ = true;
    }
    if (bytes.size() > left_) return Result::wrong;
    left_ -= bytes.size();
    return left_ == 0 ? Result::complete : Result::incomplete;
  }

 private:
  static std::optional<std::size_t> content_length(std::string_view head) {
    static constexpr std::string_view kName = "content-length:";
    const auto lower = [](char letter) {
      return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    };
    const auto found = std::ranges::search(head, kName, {}, lower).begin();
    if (!head.starts_with("HTTP/1.1 200") || found == head.end()) return std::nullopt;
    const auto at = static_cast<std::size_t>(found - head.begin()) + kName.size();
    return std::strtoul(std::string(head.substr(at, 12)).c_str(), nullptr, 10);
  }

  std::string head_;
  std::size_t left_;
  bool head_done_;
};

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)) {
    poll_ = epoll_create1(EPOLL_CLOEXEC);
    prctl(PR_SET_TIMERSLACK,
          1);  // else every wait is up to 50 us late, which an open loop would report as latency
    prepare();
    lines_.resize(options_.connections);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (!fresh()) open(i);
      idle_.push_back(i);
    }
    latencies_.reserve(1U << 20U);
  }

  void run() {
    start_ = Clock::now();
    end_ = start_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(options_.seconds));
    while (Clock::now() < end_ && latencies_.size() < options_.requests) {
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
    Link link;
    Clock::time_point due;  ///< When its request was to be sent.
    std::string_view unsent;
    Answer answer;
    bool waiting = false;
    bool answered = false;  ///< `close`: only the peer's end is missing.
  };

  static constexpr std::size_t kAsked = 64;  ///< Of all routes: so many servers are busy at once.

  bool fresh() const { return options_("close") || options_("handshake"); }

  void prepare() {
    if (options_("websocket")) {
      requests_ = {websocket_message(options_.size)};
    } else if (options_("up")) {
      const std::string length = "Content-Length: " + std::to_string(options_.size) + "\r\n";
      requests_ = {request_head(options_, "POST", length) + std::string(options_.size, 'u')};
    } else {
      const std::string_view extra = options_("close") ? "Connection: close\r\n" : "";
      const std::size_t count = std::clamp<std::size_t>(options_.routes, 1, kAsked);
      for (std::size_t i = 0; i < count; ++i)
        requests_.push_back(request_head(options_, "GET", extra, options_.routes / count * i));
    }
  }

  void open(std::size_t index) {
    Line& line = lines_[index];
    line.link = Link(options_.port, options_.tls);
    if (!options_("handshake") && line.link.shake_hands() != State::ok) fail("TLS handshake");
    if (options_("websocket")) open_websocket(line.link, websocket_head(options_));
    line.link.block(false);
    epoll_event wanted{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = index}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, line.link.fd(), &wanted);
  }

  /// Closed loop: every idle connection at once. Open loop: as many as are due; late ones wait and
  /// keep their instant.
  void send_due() {
    const auto now = Clock::now();
    while (!idle_.empty() && (options_.rate == 0 || due(next_) <= now)) {
      const std::size_t index = idle_.front();
      idle_.pop_front();
      Line& line = lines_[index];
      line.due = options_.rate == 0 ? Clock::now() : due(next_);
      line.waiting = true;
      line.answered = false;
      line.unsent = requests_[next_ * 7919 % requests_.size()];
      line.answer = Answer(options_("websocket") ? websocket_answer_size(options_.size) : 0);
      ++next_;
      if (fresh()) open(index);
      go_on(index);
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
    for (int i = 0; i < count; ++i) {
      const auto index = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
      if (lines_[index].waiting)
        go_on(index);
      else if (!fresh())
        listen(index);
    }
  }

  /// An idle connection has nothing to say.
  void listen(std::size_t index) {
    std::array<char, 16> buffer;
    std::size_t count = 0;
    if (lines_[index].link.read(buffer, count) != State::again) lost(index);
  }

  /// Sends and reads what can be.
  void go_on(std::size_t index) {
    Line& line = lines_[index];
    if (options_("handshake")) return go_on_shaking(index);
    for (std::size_t count = 0; !line.unsent.empty(); line.unsent.remove_prefix(count)) {
      const State state = line.link.write(line.unsent, count);
      if (state == State::over) return lost(index);
      if (state == State::again) break;
    }
    static std::array<char, 256U << 10U> buffer;
    for (std::size_t count = 0;;) {
      const State state = line.link.read(buffer, count);
      if (state == State::again) return;
      if (state == State::over) return line.answered ? done(index) : lost(index);
      const Answer::Result result =
          line.answered ? Answer::Result::wrong : line.answer.take({buffer.data(), count});
      if (result == Answer::Result::wrong) return lost(index);
      line.answered = result == Answer::Result::complete;
      if (line.answered && !options_("close")) return done(index);
    }
  }

  void go_on_shaking(std::size_t index) {
    const State state = lines_[index].link.shake_hands();
    if (state == State::ok) done(index);
    if (state == State::over) lost(index);
  }

  void done(std::size_t index) {
    Line& line = lines_[index];
    const std::chrono::duration<float, std::micro> took = Clock::now() - line.due;
    latencies_.push_back(took.count());
    line.waiting = false;
    if (fresh()) line.link.close();
    idle_.push_back(index);
  }

  /// The connection ended or said something else than we asked for: an error if it owed us an
  /// answer.
  void lost(std::size_t index) {
    Line& line = lines_[index];
    const bool owed = line.waiting;
    if (owed) ++errors_;
    line.waiting = false;
    line.link.close();
    if (!fresh()) open(index);
    if (owed) idle_.push_back(index);
  }

  double quantile(double part) const {
    if (latencies_.empty()) return 0;
    return latencies_[static_cast<std::size_t>(static_cast<double>(latencies_.size() - 1) * part)];
  }

  Options options_;
  std::vector<std::string> requests_;
  int poll_ = -1;
  std::vector<Line> lines_;
  std::deque<std::size_t> idle_;
  std::uint64_t next_ = 0;
  Clock::time_point start_, end_;
  std::vector<float> latencies_;
  std::size_t errors_ = 0;
};

void hold_idle(const Options& options) {
  const std::string head = websocket_head(options);
  const std::string hello = websocket_message(5);
  std::vector<Link> links;
  links.reserve(options.connections);
  std::array<char, 64> buffer{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < options.connections; ++i) {
    Link& link = links.emplace_back(options.port, options.tls);
    if (link.shake_hands() != State::ok) fail("TLS handshake");
    open_websocket(link, head);
    say(link, hello);
    for (std::size_t got = 0; got < websocket_answer_size(5); got += count)
      if (link.read(buffer, count) != State::ok) fail("a WebSocket was closed while it was set up");
  }
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  const auto alive = std::ranges::count_if(links, [&](Link& link) {
    link.block(false);
    return link.read(buffer, count) == State::again;
  });
  std::printf("{\"alive\": %td}\n", alive);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  if (options("idle")) {
    bench::hold_idle(options);
    return 0;
  }
  bench::Load load(options);
  load.run();
  load.report();
}
