// LineWriter: a reader that stopped costs lines, never time; order and count are kept.
#include "base/line_writer.hpp"

#include <array>
#include <chrono>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace passerelle {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Steady = std::chrono::steady_clock;

std::string say_dropped(std::uint64_t count) {
  return "dropped " + std::to_string(count);
}

struct Ends {
  int reading, writing;
  ~Ends() {
    close(reading);
    close(writing);
  }
};

Ends small_pipe() {
  std::array<int, 2> fds;
  EXPECT_EQ(pipe2(fds.data(), O_CLOEXEC), 0);
  fcntl(fds[1], F_SETPIPE_SZ, 4096);
  return {fds[0], fds[1]};
}

Ends socket_pair() {
  std::array<int, 2> fds;
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {fds[0], fds[1]};
}

std::string drain(int fd) {
  std::string all;
  std::array<char, 65536> room;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  for (ssize_t got = 0; (got = read(fd, room.data(), room.size())) > 0;)
    all.append(room.data(), static_cast<std::size_t>(got));
  return all;
}

/// Ten thousand lines to somebody who does not read; then that one reads.
std::string stall(const Ends& ends, std::uint64_t& dropped) {
  LineWriter writer(ends.writing, say_dropped);
  const auto began = Steady::now();
  for (int at = 0; at < 10'000; ++at)
    writer.write("line " + std::to_string(at) + std::string(100, 'x'));
  EXPECT_LT(Steady::now() - began, milliseconds(3000));
  dropped = writer.dropped();
  EXPECT_GT(dropped, 0U);
  std::string read;
  for (std::string more = drain(ends.reading); !more.empty(); more = drain(ends.reading)) {
    read += more;
    writer.flush();
  }
  return read;
}

void expect_whole(const std::string& read, std::uint64_t dropped) {
  std::size_t begin = 0;
  std::uint64_t next = 0;
  for (std::size_t end = 0; (end = read.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = read.substr(begin, end - begin);
    if (line == say_dropped(dropped)) {
      next += dropped;
      continue;
    }
    ASSERT_EQ(line, "line " + std::to_string(next) + std::string(100, 'x'));
    ++next;
  }
  EXPECT_EQ(begin, read.size());
  EXPECT_EQ(next, 10'000U);
}

TEST(LineWriter, AFullPipeCostsLinesAndNoTime) {
  const Ends ends = small_pipe();
  std::uint64_t dropped = 0;
  const std::string read = stall(ends, dropped);
  expect_whole(read, dropped);
  EXPECT_EQ(fcntl(ends.writing, F_GETFL) & O_NONBLOCK, 0);  // whoever shares the pipe may wait
}

TEST(LineWriter, AFullSocketTooAsUnderSystemd) {
  const Ends ends = socket_pair();
  std::uint64_t dropped = 0;
  const std::string read = stall(ends, dropped);
  expect_whole(read, dropped);
}

TEST(LineWriter, SeveralLinesCountEach) {
  const Ends ends = small_pipe();
  LineWriter writer(ends.writing, say_dropped);
  writer.write(std::string(LineWriter::kMostKept + 8192, 'x'));  // partly on its way: kept whole
  writer.write("a\nb\nc");
  EXPECT_EQ(writer.dropped(), 3U);
}

TEST(LineWriter, AFileIsAppendedTo) {
  char path[] = "/tmp/passerelle-lines-XXXXXX";
  const int fd = mkstemp(path);
  {
    LineWriter writer(fd, say_dropped);
    writer.write("one");
    writer.write("two\nthree");
  }
  lseek(fd, 0, SEEK_SET);
  EXPECT_EQ(drain(fd), "one\ntwo\nthree\n");
  close(fd);
  unlink(path);
}

TEST(LineWriter, AReaderWhoLeftIsNoReasonToKeepAnything) {
  Ends ends = socket_pair();
  LineWriter writer(ends.writing, say_dropped);
  close(std::exchange(ends.reading, -1));
  const auto began = Steady::now();
  for (int at = 0; at < 100'000; ++at) writer.write("line");
  writer.finish(milliseconds(5000));
  EXPECT_LT(Steady::now() - began, milliseconds(3000));
  EXPECT_EQ(writer.dropped(), 0U);
}

}  // namespace
}  // namespace passerelle
