// LineWriter: puts whole lines on a descriptor that somebody may have stopped reading, without ever
// waiting for them. What does not fit is kept up to a bound; beyond it lines are dropped and
// counted, and the count is written as soon as there is room again. Knows nothing of levels and
// formats.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include <sys/uio.h>

namespace passerelle {

class LineWriter {
 public:
  static constexpr std::size_t kMostKept = 256U << 10U;
  /// `fd` stays the caller's. `say_dropped` makes the line (without its end) that tells how many
  /// were lost.
  LineWriter(int fd, std::function<std::string(std::uint64_t)> say_dropped);
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Any thread; none of these waits for the reader.
  void write(std::string_view lines);  ///< One line or several, without the last line's end.
  void flush();  ///< Tries again with what was kept; costs one load when nothing was.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

  void finish(std::chrono::milliseconds
                  patience);  ///< Waits that long at most for the kept lines to leave.

 private:
  enum class Way : std::uint8_t {
    plain,    ///< A file: it takes everything.
    socket,   ///< Asked not to wait, message by message.
    own,      ///< A pipe or terminal, opened once more so that only our side of it does not wait.
    careful,  ///< Like that, but it could not be opened again: only what poll says will fit.
  };
  std::size_t put(std::string_view lines, bool with_end);
  ssize_t give(const iovec* parts, int count) const;
  void push_kept();

  const int fd_;
  int own_fd_ = -1;
  Way way_ = Way::plain;
  const std::function<std::string(std::uint64_t)> say_dropped_;
  std::mutex mutex_;  ///< Guards what follows; held for one write that does not wait.
  std::string kept_;
  std::uint64_t untold_ = 0;  ///< Dropped since it was last told.
  std::atomic<bool> behind_{false};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace passerelle
