// Request and response heads as the proxy reads them: one strict pass (RFC 9112) over the caller's
// bytes, no allocation. A head is offsets into that buffer; it is valid as long as the buffer is,
// and may be moved with it (rebase). What may cross to the other side is decided in headers.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace passerelle::proxy {

inline constexpr std::size_t kMostHead = 32U * 1024U;  ///< Bytes of a whole head; more is 431.
inline constexpr std::size_t kMostTarget =
    16U * 1024U;                                 ///< Bytes of the request target; more is 414.
inline constexpr std::size_t kMostFields = 100;  ///< More is 431.
inline constexpr std::size_t kMostConnectionTokens =
    8;  ///< Unusual names in Connection; more is 400.

/// The names that somebody here decides about. `other` is everything else.
enum class FieldId : std::uint8_t {
  other,
  accept_language,
  alt_svc,
  authorization,
  clear_site_data,
  connection,
  content_length,
  content_security_policy,
  content_type,
  cookie,
  date,
  expect,
  forwarded,
  host,
  http2_settings,
  keep_alive,
  location,
  max_forwards,
  nel,
  origin,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  referer,
  report_to,
  sec_fetch_mode,
  sec_fetch_site,
  sec_websocket_accept,
  sec_websocket_key,
  sec_websocket_version,
  server,
  service_worker,
  service_worker_allowed,
  set_cookie,
  strict_transport_security,
  te,
  traceparent,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  via,
  x_forwarded_any,  ///< Every X-Forwarded-... that has no id of its own.
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_proto,
  x_frame_options,
  x_real_ip,
  x_scheme,
};
inline constexpr std::size_t kFieldIds = static_cast<std::size_t>(FieldId::x_scheme) + 1;

struct Field {
  std::string_view name;   ///< As it came.
  std::string_view value;  ///< Without the blanks around it.
  FieldId id = FieldId::other;
};

/// What a scan found. `status` and `reason` are set for `refused` only; the connection must then be
/// closed.
struct Scan {
  enum class State : std::uint8_t { complete, incomplete, refused };
  State state = State::incomplete;
  int status = 0;           ///< 400, 405, 414, 417, 431, 501, 505 for requests, 502 for responses.
  std::string_view reason;  ///< Static English text, for the log and a plain-text answer.
  std::size_t used = 0;     ///< complete: bytes of the head; what follows is body or the next head.
  /// refused: only for its path, which stands in the head as it came; `used` and all else is set.
  bool only_path = false;
};

/// The fields of a head, in order, with case kept.
class Fields {
 public:
  std::size_t size() const noexcept { return count_; }
  Field operator[](std::size_t index) const noexcept {
    const Slot& slot = slots_[index];
    return {{base_ + slot.name, slot.name_size}, {base_ + slot.value, slot.value_size}, slot.id};
  }
  FieldId id(std::size_t index) const noexcept { return slots_[index].id; }
  /// The whole line with its end, if it reads "Name: value\r\n" without a blank more or less; else
  /// empty.
  std::string_view tidy_line(std::size_t index) const noexcept {
    const Slot& slot = slots_[index];
    if (!slot.tidy) return {};
    return {base_ + slot.name, static_cast<std::size_t>(slot.name_size) + slot.value_size + 4};
  }
  bool has(FieldId id) const noexcept { return first_[static_cast<std::size_t>(id)] != kNone; }
  /// Value of the first field of that id (not `other`), or empty.
  std::string_view value(FieldId id) const noexcept {
    const std::uint8_t index = first_[static_cast<std::size_t>(id)];
    return index == kNone ? std::string_view() : (*this)[index].value;
  }
  /// Value of the first field of that name (any case), or empty. Walks the list: not for the hot
  /// path.
  std::string_view value(std::string_view name) const noexcept;
  /// Names that Connection lists besides close, keep-alive, upgrade and TE: they must not cross.
  std::size_t connection_tokens() const noexcept { return token_count_; }
  std::string_view connection_token(std::size_t index) const noexcept {
    return {base_ + tokens_[index].at, tokens_[index].size};
  }

 private:
  friend class HeadScanner;
  friend class RequestHead;
  friend class ResponseHead;
  static constexpr std::uint8_t kNone = 0xff;
  struct Slot {
    std::uint16_t name, name_size, value, value_size;
    FieldId id;
    bool tidy;
  };
  struct Token {
    std::uint16_t at, size;
  };
  void clear(const char* base) noexcept;

  const char* base_ = nullptr;
  std::uint8_t count_ = 0;
  std::uint8_t token_count_ = 0;
  std::array<std::uint8_t, kFieldIds> first_;
  std::array<Token, kMostConnectionTokens> tokens_;
  std::array<Slot, kMostFields> slots_;
};

/// A complete request head. Fields whose name has other characters than letters, digits and "-" are
/// not in it: nobody behind us may take X_Forwarded_User for X-Forwarded-User (CVE-2025-64484).
class RequestHead {
 public:
  std::string_view method() const noexcept { return view(method_); }
  /// What goes upstream: canonical path, "?" and query if there is one. "*" for OPTIONS *.
  std::string_view target() const noexcept { return view(target_); }
  /// Canonical (path.hpp), still percent-encoded, begins with "/". Matching and forwarding both use
  /// it. "*" too.
  std::string_view path() const noexcept { return target().substr(0, path_size_); }
  std::string_view query() const noexcept {  ///< Byte for byte, without "?".
    return target().substr(path_size_ + (path_size_ < target_.size ? 1U : 0U));
  }
  /// The authority of an absolute-form target, else Host; syntax checked, port included. Empty only
  /// for HTTP/1.0.
  std::string_view host() const noexcept { return view(host_); }
  int minor_version() const noexcept { return minor_; }  ///< 0 or 1.
  bool asterisk() const noexcept { return target() == "*"; }
  bool is_get() const noexcept { return method() == "GET"; }
  bool is_head() const noexcept { return method() == "HEAD"; }
  /// GET, HEAD, OPTIONS, PUT, DELETE: may be sent again when a pooled connection turned out to be
  /// dead.
  bool idempotent() const noexcept;

  const Fields& fields() const noexcept { return fields_; }
  bool has(FieldId id) const noexcept { return fields_.has(id); }
  std::string_view value(FieldId id) const noexcept { return fields_.value(id); }
  std::string_view value(std::string_view name) const noexcept { return fields_.value(name); }

  std::optional<std::uint64_t> content_length() const noexcept {
    return has(FieldId::content_length) ? std::optional(length_) : std::nullopt;
  }
  bool chunked() const noexcept { return chunked_; }
  bool has_body() const noexcept { return chunked_ || length_ != 0; }
  bool keep_alive() const noexcept { return keep_alive_; }
  bool expect_continue() const noexcept { return expect_continue_; }
  /// A correct WebSocket handshake but for the version: check websocket_13() and answer 426 if it
  /// is not.
  bool upgrade_websocket() const noexcept { return upgrade_websocket_; }
  bool websocket_13() const noexcept { return value(FieldId::sec_websocket_version) == "13"; }
  bool accepts_trailers() const noexcept { return accepts_trailers_; }

  std::size_t size() const noexcept { return size_; }  ///< Bytes of the head, as Scan::used.
  const char* bytes() const noexcept { return fields_.base_; }
  /// The same bytes now begin at `base`.
  void rebase(const char* base) noexcept { fields_.base_ = base; }

 private:
  friend class HeadScanner;
  struct Span {
    std::uint16_t at = 0, size = 0;
  };
  std::string_view view(Span span) const noexcept { return {fields_.base_ + span.at, span.size}; }

  Span method_, target_, host_;
  std::uint16_t path_size_ = 0;
  std::uint16_t size_ = 0;
  std::uint8_t minor_ = 1;
  bool chunked_ = false;
  bool keep_alive_ = true;
  bool expect_continue_ = false;
  bool upgrade_websocket_ = false;
  bool accepts_trailers_ = false;
  std::uint64_t length_ = 0;
  Fields fields_;
};

/// Scans the bytes of one connection, from the first byte of a head on. `seen`: how many of them an
/// earlier call that answered `incomplete` was given (0 at first): a head that drips in costs one
/// scan per line, not per byte. When complete, the path inside `bytes` has been made canonical in
/// place, so that nobody can see another one. `guarded_segments`: in that many leading segments
/// ("user", "alice") an escaped slash, backslash or control character is refused; two plus the
/// depth of base_url.
Scan scan_request(std::span<char> bytes,
                  std::size_t seen,
                  RequestHead& head,
                  std::size_t guarded_segments = 2) noexcept;

/// How long the body of a response is.
enum class Framing : std::uint8_t { none, length, chunked, until_close };

class ResponseHead {
 public:
  int status() const noexcept { return status_; }
  bool interim() const noexcept { return status_ < 200 && status_ != 101; }
  std::string_view reason() const noexcept { return {fields_.base_ + reason_at_, reason_size_}; }
  int minor_version() const noexcept { return minor_; }
  const Fields& fields() const noexcept { return fields_; }
  bool has(FieldId id) const noexcept { return fields_.has(id); }
  std::string_view value(FieldId id) const noexcept { return fields_.value(id); }

  Framing framing() const noexcept { return framing_; }
  /// Framing::length: bytes that follow. Else what Content-Length says about the body a GET would
  /// have had.
  std::uint64_t length() const noexcept { return length_; }
  bool keep_alive() const noexcept {
    return keep_alive_;
  }  ///< The connection may serve another request.
  /// 101 with "Connection: upgrade", "Upgrade: websocket" (the accept key is websocket.hpp's).
  bool switches_to_websocket() const noexcept { return status_ == 101; }

  std::size_t size() const noexcept { return size_; }
  const char* bytes() const noexcept { return fields_.base_; }
  void rebase(const char* base) noexcept { fields_.base_ = base; }

 private:
  friend class HeadScanner;
  std::uint16_t status_ = 0;
  std::uint16_t reason_at_ = 0;
  std::uint16_t reason_size_ = 0;
  std::uint16_t size_ = 0;
  std::uint8_t minor_ = 1;
  Framing framing_ = Framing::none;
  bool keep_alive_ = true;
  std::uint64_t length_ = 0;
  Fields fields_;
};

/// The request this answers decides about its body.
struct Asked {
  bool head = false;       ///< The method was HEAD: never a body.
  bool websocket = false;  ///< An upgrade was asked for; a 101 is refused otherwise.
};

/// As scan_request; anything doubtful is refused with 502. Interim responses are complete heads of
/// their own.
Scan scan_response(std::span<const char> bytes,
                   std::size_t seen,
                   Asked asked,
                   ResponseHead& head) noexcept;

}  // namespace passerelle::proxy
