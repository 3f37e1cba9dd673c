// Memory of a proxy thread that comes and goes with every request: coroutine frames, kept bytes.
// Freed blocks are kept by size on the thread that freed them, so a request in steady state never
// reaches malloc. Leaves nothing else here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace passerelle::proxy {

/// A block of at least `size` bytes from this thread's free lists; throws std::bad_alloc. Give it
/// back on the same thread with the same size.
void* take_block(std::size_t size);
void give_block(void* block, std::size_t size) noexcept;

/// Gives most of what this thread's free lists did not need since the last call back to malloc, and
/// once nothing is left, that to the kernel: after a crowd the memory is what it was before. False
/// when nothing more is to be done.
bool trim_blocks() noexcept;
/// Bytes that this thread's Kepts hold now.
std::size_t kept_bytes() noexcept;

/// Bytes that must outlive the thread's read buffer: a head, an unfinished head, what a full peer
/// did not take yet. Consumed from the front; never moves its bytes while they are only consumed.
/// Belongs to one proxy thread.
class Kept {
 public:
  Kept() = default;
  explicit Kept(std::string_view bytes) { assign(bytes); }
  ~Kept() { clear(); }
  Kept(Kept&& other) noexcept { swap(other); }
  Kept& operator=(Kept&& other) noexcept {
    clear();
    swap(other);
    return *this;
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  void assign(std::string_view bytes);  ///< `bytes` may lie inside this Kept.
  void append(std::string_view bytes);  ///< Views into this Kept are invalid afterwards.
  void consume(std::size_t count) noexcept {
    begin_ += static_cast<std::uint32_t>(count);
    if (begin_ == end_) clear();
  }
  void clear() noexcept;

  std::string_view view() const noexcept { return {data_ + begin_, end_ - begin_}; }
  std::span<char> bytes() noexcept { return {data_ + begin_, end_ - begin_}; }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }

 private:
  void swap(Kept& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

  char* data_ = nullptr;
  // Heads and what one read brings: far below 4 GiB, and thousands of these lie idle.
  std::uint32_t capacity_ = 0;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
};

}  // namespace passerelle::proxy
