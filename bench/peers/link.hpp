// Link: one client connection to 127.0.0.1, plain or TLS. TLS checks no certificate: what is
// measured is the peer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace bench {

[[noreturn]] void fail(const std::string& what);

class Link {
 public:
  enum class State { ok, again, over };

  Link() = default;
  /// Connects, and waits for it.
  Link(std::uint16_t port, bool tls);
  ~Link() { close(); }
  Link(Link&& other) noexcept;
  Link& operator=(Link&& other) noexcept;

  int fd() const { return fd_; }
  /// One more step of the TLS handshake; ok when there is none (any more).
  State shake_hands();
  /// `count`: bytes that were moved.
  State read(std::span<char> into, std::size_t& count);
  State write(std::string_view bytes, std::size_t& count);
  void block(bool blocking);
  void close();

 private:
  State state_of(int result);
  int fd_ = -1;
  ssl_st* tls_ = nullptr;
};

}  // namespace bench
