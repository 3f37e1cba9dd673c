#include "base/line_writer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace passerelle {
namespace {

constexpr std::size_t kSurelyFits =
    4096;  // PIPE_BUF: a pipe that poll calls writable takes that much
constexpr std::string_view kEnd = "\n";

// O_NONBLOCK belongs to the open file, which shells and servers share with us: hence a file of our
// own.
int open_again(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return open(path.c_str(), O_WRONLY | O_NONBLOCK | O_APPEND | O_NOCTTY | O_CLOEXEC);
}

bool is_writable(int fd) {
  pollfd wanted{fd, POLLOUT, 0};
  return poll(&wanted, 1, 0) > 0;
}

}  // namespace

LineWriter::LineWriter(int fd, std::function<std::string(std::uint64_t)> say_dropped)
    : fd_(fd), say_dropped_(std::move(say_dropped)) {
  struct stat about{};
  if (fstat(fd, &about) != 0) return;
  if (S_ISSOCK(about.st_mode)) {
    way_ = Way::socket;
  } else if (S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode)) {
    own_fd_ = open_again(fd);
    way_ = own_fd_ >= 0 ? Way::own : Way::careful;
  }
}

LineWriter::~LineWriter() {
  finish(std::chrono::seconds(1));
  if (own_fd_ >= 0) close(own_fd_);
}

ssize_t LineWriter::give(const iovec* parts, int count) const {
  switch (way_) {
    case Way::socket: {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(parts);
      message.msg_iovlen = static_cast<std::size_t>(count);
      return sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    case Way::careful: {
      errno = EAGAIN;
      if (!is_writable(fd_)) return -1;
      return ::write(fd_, parts->iov_base, std::min(parts->iov_len, kSurelyFits));
    }
    case Way::own:
      return writev(own_fd_, parts, count);
    case Way::plain:
      break;
  }
  return writev(fd_, parts, count);
}

/// How many bytes of `lines` (and its end) left. Somebody who is gone for good takes everything.
std::size_t LineWriter::put(std::string_view lines, bool with_end) {
  const std::size_t whole = lines.size() + (with_end ? kEnd.size() : 0);
  std::size_t gone = 0;
  while (gone < whole) {
    std::array<iovec, 2> parts;
    int count = 0;
    const auto add = [&](std::string_view part) {
      parts[static_cast<std::size_t>(count++)] = {const_cast<char*>(part.data()), part.size()};
    };
    if (gone < lines.size()) add(lines.substr(gone));
    if (with_end) add(kEnd);
    const ssize_t sent = give(parts.data(), count);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == ENOBUFS ? gone : whole;
    gone += static_cast<std::size_t>(sent);
  }
  return gone;
}

void LineWriter::push_kept() {
  kept_.erase(0, put(kept_, false));
  if (!kept_.empty()) return;
  kept_.shrink_to_fit();
  if (untold_ == 0) return;
  kept_ = say_dropped_(untold_).append(kEnd);
  untold_ = 0;
  kept_.erase(0, put(kept_, false));
}

void LineWriter::write(std::string_view lines) {
  const std::lock_guard lock(mutex_);
  if (!kept_.empty()) push_kept();
  const std::size_t gone = kept_.empty() ? put(lines, true) : 0;
  if (gone == lines.size() + kEnd.size())
    return behind_.store(!kept_.empty(), std::memory_order_relaxed);
  behind_.store(true, std::memory_order_relaxed);
  if (gone == 0 && kept_.size() + lines.size() >= kMostKept) {
    const auto lost = static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n') + 1);
    untold_ += lost;
    dropped_.fetch_add(lost, std::memory_order_relaxed);
    return;
  }
  kept_.append(lines.substr(std::min(gone, lines.size()))).append(kEnd);
}

void LineWriter::flush() {
  if (!behind_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  push_kept();
  behind_.store(!kept_.empty(), std::memory_order_relaxed);
}

void LineWriter::finish(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (flush(); behind_.load(std::memory_order_relaxed); flush()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd wanted{own_fd_ >= 0 ? own_fd_ : fd_, POLLOUT, 0};
    if (left.count() <= 0 || poll(&wanted, 1, static_cast<int>(left.count())) <= 0) return;
  }
}

}  // namespace passerelle
