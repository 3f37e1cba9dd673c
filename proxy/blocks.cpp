#include "proxy/blocks.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include <malloc.h>

namespace passerelle::proxy {
namespace {

// Fine steps where frames and heads live (an idle tunnel's frame must not be rounded up to the next
// power of two), powers of two above.
constexpr std::size_t kStep = 32;
constexpr std::size_t kSteps = 64;
constexpr std::size_t kLargest = 256U << 10U;
constexpr std::size_t kClasses = kSteps + 7;
constexpr std::size_t kKeptBytes = 512U << 10U;  // per class and thread; more goes back to malloc
constexpr std::size_t kFewBytes = 16U << 10U;    // per class: not given back in steps
constexpr std::size_t kWorthATrim = 512U << 10U;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kReuse = false;  // a block that is used after it was given back must be seen
#else
constexpr bool kReuse = true;
#endif

struct Size {
  std::size_t index;
  std::size_t bytes;
};

Size class_of(std::size_t size) noexcept {
  if (size <= kStep * kSteps) {
    const std::size_t index = (size + kStep - 1) / kStep;
    return {index - (index > 0 ? 1 : 0), std::max(index, std::size_t{1}) * kStep};
  }
  const std::size_t bytes = std::bit_ceil(size);
  return {kSteps + static_cast<std::size_t>(std::countr_zero(bytes)) - 12, bytes};
}

std::size_t bytes_of(std::size_t index) noexcept {
  return index < kSteps ? (index + 1) * kStep : std::size_t{1} << (index - kSteps + 12);
}

struct FreeBlock {
  FreeBlock* next;
};

// Without a destructor of its own, so that reaching it costs no check whether it has been made.
struct FreeLists {
  FreeBlock* first[kClasses];
  std::size_t bytes[kClasses];
  std::size_t spare[kClasses];  ///< The least that `bytes` was since the last trim.
  std::size_t returned;         ///< To malloc, since that was told to pass it on.
  std::size_t kept;             ///< kept_bytes()
  bool closed;
};
constinit thread_local FreeLists lists{};

struct Cleaner {
  ~Cleaner() {
    for (FreeBlock* block : lists.first)
      while (block != nullptr) ::operator delete(std::exchange(block, block->next));
    lists.closed = true;
  }
  void watch() noexcept {}
};
thread_local Cleaner cleaner;

[[gnu::noinline]] void* make_block(std::size_t bytes) {
  cleaner
      .watch();  // every block is made here first, so every thread that frees one has its cleaner
  return ::operator new(bytes);
}

}  // namespace

void* take_block(std::size_t size) {
  if (size > kLargest) return ::operator new(size);
  const Size fit = class_of(size);
  FreeBlock* block = lists.first[fit.index];
  if (block == nullptr) return make_block(fit.bytes);
  lists.first[fit.index] = block->next;
  lists.bytes[fit.index] -= fit.bytes;
  lists.spare[fit.index] = std::min(lists.spare[fit.index], lists.bytes[fit.index]);
  return block;
}

void give_block(void* block, std::size_t size) noexcept {
  if (block == nullptr) return;
  if (!kReuse || size > kLargest) return ::operator delete(block);
  const Size fit = class_of(size);
  if (lists.closed || lists.bytes[fit.index] >= kKeptBytes) {
    lists.returned += fit.bytes;
    return ::operator delete(block);
  }
  lists.first[fit.index] = ::new (block) FreeBlock{lists.first[fit.index]};
  lists.bytes[fit.index] += fit.bytes;
}

// To the last block: a few of them, scattered, would hold as many pages.
bool trim_blocks() noexcept {
  bool more = false;
  for (std::size_t index = 0; index < kClasses; ++index) {
    const std::size_t spare = lists.spare[index];
    const std::size_t bytes = bytes_of(index);
    const std::size_t kept = spare > kFewBytes ? spare / 4 : 0;
    for (std::size_t left = spare; left > kept; left -= bytes) {
      ::operator delete(std::exchange(lists.first[index], lists.first[index]->next));
      lists.bytes[index] -= bytes;
      lists.returned += bytes;
    }
    lists.spare[index] = lists.bytes[index];
    more = more || lists.spare[index] != 0;
  }
  if (more || lists.returned < kWorthATrim) return more;
  malloc_trim(0);  // last, for it walks over all that malloc has
  lists.returned = 0;
  return false;
}

std::size_t kept_bytes() noexcept {
  return lists.kept;
}

void Kept::assign(std::string_view bytes) {
  Kept fresh;
  fresh.append(bytes);
  swap(fresh);
}

void Kept::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (capacity_ - end_ < bytes.size()) {
    Kept larger;
    const std::size_t wanted = size() + bytes.size();
    // Growing by doubling: a head that drips in byte by byte is copied a few times, not once a
    // byte.
    larger.capacity_ = static_cast<std::uint32_t>(empty() ? wanted : std::max(wanted, size() * 2));
    larger.data_ = static_cast<char*>(take_block(larger.capacity_));
    lists.kept += larger.capacity_;
    if (!empty()) std::memcpy(larger.data_, data_ + begin_, size());
    larger.end_ = static_cast<std::uint32_t>(size());
    swap(larger);
  }
  std::memcpy(data_ + end_, bytes.data(), bytes.size());
  end_ += static_cast<std::uint32_t>(bytes.size());
}

void Kept::clear() noexcept {
  give_block(data_, capacity_);
  lists.kept -= capacity_;
  data_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

}  // namespace passerelle::proxy
