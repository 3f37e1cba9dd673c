// A request as HTTP/2 says it (RFC 9113, 8.3; RFC 8441), and the HTTP/1.1 head that it becomes.
// Strict: nothing that the one could mean and the other cannot gets across.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace passerelle::proxy {

/// Fields come one by one, in order; nghttp2 has checked their grammar before.
class Http2Request {
 public:
  static constexpr std::size_t kMostFields = 32U << 10U;  ///< Bytes, as SETTINGS counts them.

  /// False: malformed, the stream is to be reset.
  bool add(std::string_view name, std::string_view value);
  /// Once all have come. 0: forward it. -1: malformed. Else the status that it is refused with.
  int verdict() const noexcept;
  /// The HTTP/1.1 head. `key`: Sec-WebSocket-Key, for websocket().
  std::string http1_head(bool has_body, std::string_view key) const;

  bool websocket() const noexcept { return protocol_ == "websocket"; }
  std::string_view method() const noexcept { return method_; }
  /// Without query.
  std::string_view path() const noexcept {
    return std::string_view(path_).substr(0, path_.find('?'));
  }
  bool is_head() const noexcept { return method_ == "HEAD"; }
  bool has_length() const noexcept { return has_length_; }
  std::string_view host() const noexcept { return authority_.empty() ? host_ : authority_; }

 private:
  bool add_pseudo(std::string_view name, std::string_view value);
  void add_field(std::string_view name, std::string_view value);

  std::string method_, scheme_, path_, authority_, protocol_;
  std::string host_, cookie_;
  std::string fields_;  ///< "name: value" CR LF each.
  std::size_t size_ = 0;
  bool has_length_ = false;
  bool wants_trailers_ = false;
};

}  // namespace passerelle::proxy
