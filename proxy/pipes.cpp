#include "proxy/pipes.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace passerelle::proxy {
namespace {

constexpr std::size_t kMostPipes = 32;
// What a stalled reader can make us hold; the kernel may grant less, and then less moves at once.
constexpr int kPipeSize = 1 << 20;

}  // namespace

// --- Pipe

Io Pipe::fill(Socket& from, std::size_t most) noexcept {
  const Io io = from.splice_to(ends_.write, most);
  held_ += io.count;
  return io;
}

Io Pipe::empty(Socket& to) noexcept {
  const Io io = to.splice_from(ends_.read, held_);
  held_ -= io.count;
  return io;
}

void Pipe::drop() noexcept {
  if (pool_ == nullptr) return;
  held_ == 0 ? pool_->give(ends_) : pool_->close(ends_);
  pool_ = nullptr;
  held_ = 0;
}

// --- PipePool

Pipe PipePool::take() noexcept {
  used_ = true;
  if (!idle_.empty()) {
    const Pipe::Ends ends = idle_.back();
    idle_.pop_back();
    return {*this, ends};
  }
  int ends[2];
  if (open_ == kMostPipes || pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return {};
  fcntl(ends[1], F_SETPIPE_SZ, kPipeSize);
  ++open_;
  return {*this, {ends[0], ends[1]}};
}

void PipePool::give(Pipe::Ends ends) noexcept {
  if (idle_.capacity() == 0) idle_.reserve(kMostPipes);
  idle_.push_back(ends);
  loop_.keep_ticking();
}

void PipePool::close(Pipe::Ends ends) noexcept {
  ::close(ends.read);
  ::close(ends.write);
  --open_;
}

void PipePool::sweep() noexcept {
  if (!used_) clear();
  used_ = false;
  if (!idle_.empty()) loop_.keep_ticking();
}

void PipePool::clear() noexcept {
  for (const Pipe::Ends ends : idle_) close(ends);
  idle_.clear();
}

}  // namespace passerelle::proxy
