#include "proxy/blocks.hpp"

#include <bit>
#include <new>

namespace passerelle::proxy {
namespace {

// Fine steps where frames and heads live (an idle tunnel's frame must not be rounded up to the next
// power of two), powers of two above.
constexpr std::size_t kStep = 32;
constexpr std::size_t kSteps = 64;
constexpr std::size_t kLargest = 256U << 10U;
constexpr std::size_t kClasses = kSteps + 7;
constexpr std::size_t kKeptBytes = 512U << 10U;  // per class and thread; more goes back to malloc

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

struct FreeBlock {
  FreeBlock* next;
};

// Without a destructor of its own, so that reaching it costs no check whether it has been made.
struct FreeLists {
  FreeBlock* first[kClasses];
  std::size_t bytes[kClasses];
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
  return block;
}

void give_block(void* block, std::size_t size) noexcept {
  if (block == nullptr) return;
  if (!kReuse || size > kLargest) return ::operator delete(block);
  const Size fit = class_of(size);
  if (lists.closed || lists.bytes[fit.index] >= kKeptBytes) return ::operator delete(block);
  lists.first[fit.index] = ::new (block) FreeBlock{lists.first[fit.index]};
  lists.bytes[fit.index] += fit.bytes;
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
    larger.capacity_ = empty() ? wanted : std::max(wanted, size() * 2);
    larger.data_ = static_cast<char*>(take_block(larger.capacity_));
    if (!empty()) std::memcpy(larger.data_, data_ + begin_, size());
    larger.end_ = size();
    swap(larger);
  }
  std::memcpy(data_ + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void Kept::clear() noexcept {
  give_block(data_, capacity_);
  data_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

}  // namespace passerelle::proxy
