#include "proxy/tls_stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace passerelle::proxy {
namespace {

constexpr std::size_t kRecord = 16U << 10U;

// OpenSSL reads and writes through our socket, so that what the kernel said (drained, full) is
// remembered there as for any other.

int bio_read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *got = 0;
  if (!socket.readable()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  const Io io = socket.raw_read({into, size});
  *got = io.count;
  if (io.state == Io::State::again) BIO_set_retry_read(bio);
  if (io.state == Io::State::end) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return io.state == Io::State::ok ? 1 : 0;
}

int bio_write(BIO* bio, const char* bytes, std::size_t size, std::size_t* put) {
  auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  iovec part{const_cast<char*>(bytes), size};
  const Io io = socket.raw_write(std::span<iovec>(&part, 1));
  *put = io.count;
  if (io.state == Io::State::failed) return 0;
  if (io.count > 0) return 1;
  BIO_set_retry_write(bio);
  return 0;
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "passerelle");
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    BIO_meth_set_create(made, bio_create);
    return made;
  }();
  return method;
}

/// Walks over parts as if they were one.
class Cursor {
 public:
  explicit Cursor(std::span<iovec> parts) noexcept : parts_(parts) { skip_empty(); }
  bool done() const noexcept { return parts_.empty(); }
  /// What one record takes: a view of the bytes themselves where they fill one, else a copy.
  std::string_view record(std::span<char> room) const noexcept {
    const iovec& first = parts_.front();
    const auto* const begin = static_cast<const char*>(first.iov_base) + at_;
    if (parts_.size() == 1 || first.iov_len - at_ >= room.size())
      return {begin, std::min(first.iov_len - at_, room.size())};
    std::size_t size = 0;
    std::size_t skip = at_;
    for (const iovec& part : parts_) {
      const std::size_t take = std::min(part.iov_len - skip, room.size() - size);
      std::memcpy(room.data() + size, static_cast<const char*>(part.iov_base) + skip, take);
      size += take;
      skip = 0;
      if (size == room.size()) break;
    }
    return {room.data(), size};
  }
  void advance(std::size_t count) noexcept {
    at_ += count;
    while (!parts_.empty() && at_ >= parts_.front().iov_len) {
      at_ -= parts_.front().iov_len;
      parts_ = parts_.subspan(1);
    }
  }

 private:
  void skip_empty() noexcept { advance(0); }
  std::span<iovec> parts_;
  std::size_t at_ = 0;
};

}  // namespace

TlsStream::TlsStream(Socket& socket, SSL* ssl, std::shared_ptr<const void> held) noexcept
    : socket_(socket), ssl_(ssl), held_(std::move(held)) {
  BIO* const bio = BIO_new(socket_method());
  BIO_set_data(bio, &socket);
  SSL_set_bio(ssl_, bio, bio);
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
}

// Bytes that OpenSSL took from the kernel and has not given out yet: no event will tell of them.
void TlsStream::note_pending() noexcept {
  if (SSL_has_pending(ssl_) == 1) socket_.still_readable();
}

/// What an unsuccessful call of OpenSSL means for its caller.
Io TlsStream::ended(int result) noexcept {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      socket_.drained();
      interest_ = kToRead;
      return {Io::State::again, 0};
    case SSL_ERROR_WANT_WRITE:
      interest_ = kToWrite;
      return {Io::State::again, 0};
    case SSL_ERROR_ZERO_RETURN:
      over_ = true;
      return {Io::State::end, 0};
    default:
      break;
  }
  const unsigned long error = ERR_peek_last_error();
  plain_http_ = ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
  const char* const reason = ERR_reason_error_string(error);
  trouble_ = reason != nullptr ? reason : "the connection ended";
  ready_ = false;
  return {Io::State::failed, 0};
}

Io TlsStream::handshake() noexcept {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) {
    const Io io = ended(result);
    return io.state == Io::State::again ? io : Io{Io::State::failed, 0};
  }
  ready_ = true;
  note_pending();
  return {Io::State::ok, 0};
}

Io TlsStream::read(std::span<char> into) noexcept {
  if (over_) return {Io::State::end, 0};
  if (!ready_) return {Io::State::failed, 0};
  std::size_t total = 0;
  while (total < into.size()) {
    std::size_t got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_, into.data() + total, into.size() - total, &got);
    if (result == 1) {
      total += got;
      if (!socket_.readable() && SSL_has_pending(ssl_) == 0) break;
      continue;
    }
    const Io io = ended(result);
    if (total == 0) return io;
    if (io.state != Io::State::again) socket_.still_readable();  // told at the next call
    return {Io::State::ok, total};
  }
  note_pending();
  return {Io::State::ok, total};
}

Io TlsStream::peek() noexcept {
  if (over_) return {Io::State::end, 0};
  if (!ready_) return {Io::State::failed, 0};
  char byte = 0;
  std::size_t got = 0;
  ERR_clear_error();
  const int result = SSL_peek_ex(ssl_, &byte, 1, &got);
  if (result != 1) return ended(result);
  socket_.still_readable();
  return {Io::State::ok, got};
}

// A record that the kernel did not take whole stays in OpenSSL and counts as not written: the
// caller keeps its bytes and gives them again, at least as many.
Io TlsStream::write(std::span<iovec> parts) noexcept {
  thread_local std::array<char, kRecord> room;
  if (!ready_) return {Io::State::failed, 0};
  std::size_t total = 0;
  for (Cursor cursor(parts); !cursor.done();) {
    const std::string_view record = cursor.record(room);
    std::size_t put = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_, record.data(), record.size(), &put);
    if (result != 1) {
      const Io io = ended(result);
      return {io.state == Io::State::again ? Io::State::again : Io::State::failed, total};
    }
    total += put;
    cursor.advance(put);
  }
  return {Io::State::ok, total};
}

void TlsStream::say_goodbye() noexcept {
  if (!ready_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

bool TlsStream::resumed() const noexcept {
  return SSL_session_reused(ssl_) == 1;
}

bool TlsStream::http2() const noexcept {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size) == "h2";
}

std::string_view TlsStream::server_name() const noexcept {
  const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

}  // namespace passerelle::proxy
