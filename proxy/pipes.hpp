// PipePool: the pipes of one proxy thread, through which long bodies pass from socket to socket
// inside the kernel (splice) and are never copied to us. Bounded; whoever gets none copies.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "proxy/loop.hpp"
#include "proxy/socket.hpp"

namespace passerelle::proxy {

class PipePool;

/// A pipe on loan, or none. Its end gives an empty one back and closes one that still holds bytes:
/// nobody's bytes meet another's.
class Pipe {
 public:
  Pipe() = default;
  ~Pipe() { drop(); }
  Pipe(Pipe&& other) noexcept { swap(other); }
  Pipe& operator=(Pipe&& other) noexcept {
    drop();
    swap(other);
    return *this;
  }

  explicit operator bool() const noexcept { return pool_ != nullptr; }
  std::size_t held() const noexcept { return held_; }  ///< Bytes inside.
  /// Takes up to `most` bytes that wait in `from`. Into an empty pipe only.
  Io fill(Socket& from, std::size_t most) noexcept;
  /// Gives all to `to`, or what it takes.
  Io empty(Socket& to) noexcept;
  void drop() noexcept;

 private:
  friend class PipePool;
  struct Ends {
    int read = -1, write = -1;
  };
  Pipe(PipePool& pool, Ends ends) noexcept : pool_(&pool), ends_(ends) {}
  void swap(Pipe& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(ends_, other.ends_);
    std::swap(held_, other.held_);
  }

  PipePool* pool_ = nullptr;
  Ends ends_;
  std::size_t held_ = 0;
};

class PipePool {
 public:
  explicit PipePool(Loop& loop) : loop_(loop) {}
  ~PipePool() { clear(); }
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;

  Pipe take() noexcept;   ///< None when enough are out already, or no descriptor is left.
  void sweep() noexcept;  ///< Every tick: closes those that nobody wanted since the last one.
  void clear() noexcept;

 private:
  friend class Pipe;
  void give(Pipe::Ends ends) noexcept;
  void close(Pipe::Ends ends) noexcept;

  Loop& loop_;
  std::vector<Pipe::Ends> idle_;
  std::size_t open_ = 0;
  bool used_ = false;  ///< Since the last sweep.
};

}  // namespace passerelle::proxy
