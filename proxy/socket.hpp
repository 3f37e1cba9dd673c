// Socket: a non-blocking stream socket on one proxy thread. Reads and writes try at once; whoever
// meets `again` waits for it with a Wait (loop.hpp). Remembers what edge-triggered epoll told it,
// so no call is made that must fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/upstream.hpp"
#include "proxy/loop.hpp"

namespace passerelle::proxy {

inline constexpr int kToRead = 1;
inline constexpr int kToWrite = 2;
inline constexpr int kBroken =
    4;  ///< Both sides are closed, or an error: nobody is there any more.

struct Io {
  enum class State : std::uint8_t {
    ok,      ///< read: at least one byte; write: everything.
    again,   ///< Wait first. write: `count` bytes were taken.
    end,     ///< read: the peer has said its last byte.
    failed,  ///< The connection is broken.
  };
  State state = State::ok;
  std::size_t count = 0;
};

class TlsStream;

class Socket final : public Watcher {
 public:
  /// Takes `fd` over. Check good(): the kernel may have no room for another watched descriptor.
  /// `connecting`: it is writable once the connection stands or has failed.
  Socket(Loop& loop, int fd, bool connecting = false) noexcept;
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool good() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }

  /// From now on all that is read and written goes through it; null takes it away.
  void speak_tls(std::unique_ptr<TlsStream> tls) noexcept;
  TlsStream* tls() const noexcept { return tls_.get(); }  ///< Null: the bytes go as they are.

  Io read(std::span<char> into) noexcept;
  Io write(std::string_view bytes) noexcept;
  Io write(std::span<iovec> parts) noexcept;

  bool readable() const noexcept {
    return readable_;
  }  ///< A read may yield something (or the end).
  bool writable() const noexcept { return writable_; }
  bool ending() const noexcept { return ending_; }  ///< The peer closed its side, or everything.
  bool broken() const noexcept {
    return broken_;
  }  ///< Both sides are closed, or an error came: nobody listens.

  // Moves bytes between the socket and a pipe inside the kernel. Not through TLS. An unfit kind of
  // socket says `failed`.
  Io splice_to(int pipe, std::size_t most) noexcept;     ///< As read; the pipe must be empty.
  Io splice_from(int pipe, std::size_t count) noexcept;  ///< As write.

  void shutdown_write() noexcept;  ///< Half-close: the peer reads an end.
  void
  reset() noexcept;  ///< The close that follows becomes a RST: no peer takes it for an orderly end.
  bool connected() noexcept;  ///< After a wait for a connecting one: whether it stands.
  /// Asks the kernel: open, and nothing has come that nobody asked for.
  bool idle_and_alive() noexcept;
  /// Asks the kernel: nothing more will come. Bytes that wait to be read say that somebody is
  /// there.
  bool left() noexcept;

  /// Ends the wait of whoever waits for it, who may be gone afterwards, and this with it.
  void interrupt(Wake wake) noexcept {
    if (wait_ != nullptr) wait_->notify(wake);
  }

  void on_events(std::uint32_t events) noexcept override;

  // For TlsStream: the descriptor itself.
  Io raw_read(std::span<char> into) noexcept;
  Io raw_write(std::span<iovec> parts) noexcept;
  void drained() noexcept { readable_ = false; }
  void still_readable() noexcept { readable_ = true; }

 private:
  friend class Wait;
  bool has(int interest) const noexcept {
    return ((interest & kToRead) != 0 && readable_) || ((interest & kToWrite) != 0 && writable_) ||
           ((interest & kBroken) != 0 && broken_);
  }
  void attach(Wait& wait, int interest) noexcept;
  void detach() noexcept { wait_ = nullptr; }
  void arm_writing() noexcept;

  Loop& loop_;
  Wait* wait_ = nullptr;
  std::unique_ptr<TlsStream> tls_;
  int fd_;
  int interest_ = 0;
  bool readable_ = false;
  bool writable_ = true;
  bool ending_ = false;
  bool broken_ = false;
  bool writing_armed_ = false;
  bool resets_ = false;
};

// Every wait of every connection passes here: inlined.

inline void Socket::attach(Wait& wait, int interest) noexcept {
  wait_ = &wait;
  interest_ = interest;
  if ((interest & kToWrite) != 0 && !writing_armed_) arm_writing();
}

inline Wait& Wait::on(Socket& socket, int interest) noexcept {
  const std::size_t slot = sockets_[0] == nullptr ? 0 : 1;
  sockets_[slot] = &socket;
  interests_[slot] = interest;
  return *this;
}

// Events between the last system call and now left a mark on the socket: they must not be slept
// through.
inline bool Wait::await_ready() noexcept {
  for (std::size_t slot = 0; slot < 2; ++slot)
    if (sockets_[slot] != nullptr && sockets_[slot]->has(interests_[slot])) return true;
  return false;
}

inline void Wait::await_suspend(std::coroutine_handle<> waiter) noexcept {
  waiter_ = waiter;
  for (std::size_t slot = 0; slot < 2; ++slot)
    if (sockets_[slot] != nullptr) sockets_[slot]->attach(*this, interests_[slot]);
  const bool yields = sockets_[0] == nullptr && deadline_ <= loop_.now_;
  insert_before(yields ? loop_.yielded_ : loop_.waits_);
}

inline void Wait::detach() noexcept {
  unlink();
  for (Socket* socket : sockets_)
    if (socket != nullptr) socket->detach();
}

/// Starts a connection; -1 if it failed at once. errno tells why. `pending` is set when it is under
/// way.
int start_connecting(const Upstream& upstream, bool& pending) noexcept;
/// No delay for small messages; dead peers are found within about a minute.
void tune_tcp(int fd) noexcept;

}  // namespace passerelle::proxy
