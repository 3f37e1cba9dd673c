// The request line, Host, framing and upgrade of a request (RFC 9112, 3 and 6; RFC 6455, 4.2.1).
#include <cstring>

#include "base/text.hpp"
#include "proxy/characters.hpp"
#include "proxy/field_names.hpp"
#include "proxy/head.hpp"
#include "proxy/head_scanner.hpp"
#include "proxy/path.hpp"
#include "proxy/trusted.hpp"
#include "proxy/websocket.hpp"

namespace passerelle::proxy {

namespace {

constexpr std::size_t kMostMethod = 32;

/// Fields that decide about framing or about who may do what: of two, someone behind us would read
/// the other one.
constexpr std::uint64_t kOnce =
    bit(FieldId::authorization) | bit(FieldId::content_length) | bit(FieldId::content_type) |
    bit(FieldId::expect) | bit(FieldId::host) | bit(FieldId::origin) |
    bit(FieldId::sec_fetch_mode) | bit(FieldId::sec_fetch_site) | bit(FieldId::sec_websocket_key) |
    bit(FieldId::sec_websocket_version) | bit(FieldId::transfer_encoding) | bit(FieldId::upgrade);

bool has_te_trailers(std::string_view value) noexcept {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    if (text::iequals(text::trim(value.substr(0, comma)), "trailers")) return true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return false;
}

}  // namespace

bool RequestHead::idempotent() const noexcept {
  const std::string_view name = method();
  return name == "GET" || name == "HEAD" || name == "OPTIONS" || name == "PUT" || name == "DELETE";
}

bool HeadScanner::leading_line() noexcept {
  if (at_ == end_) return more();
  if (*at_ != '\r') return true;
  return line_end(kNoLineEnd);  // One empty line is forgiven (RFC 9112, 2.2); of a second one
                                // method() sees the CR.
}

bool HeadScanner::method(RequestHead& head) noexcept {
  const char* const start = at_;
  while (at_ != end_ && token_of(*at_) != Token::none) {
    if (at_ - start == kMostMethod) return refuse(400, "the method is too long");
    ++at_;
  }
  if (at_ == end_) return more();
  if (at_ == start || *at_ != ' ') return refuse(400, "the request line is malformed");
  head.method_ = {offset(start), static_cast<std::uint16_t>(at_ - start)};
  ++at_;
  const std::string_view name = head.method();
  if (name == "CONNECT" || name == "TRACE") return refuse(405, "this method is not served");
  return true;
}

bool HeadScanner::request_target(RequestHead& head) noexcept {
  const char* const start = at_;
  const char* const at = find_not_visible(start, end_);
  at_ = at;
  if (at - start > static_cast<std::ptrdiff_t>(kMostTarget)) {
    return refuse(414, "the address is too long");
  }
  if (at == end_) return more();
  if (at == start || *at != ' ') return refuse(400, "the request line is malformed");
  head.target_ = {offset(start), static_cast<std::uint16_t>(at_ - start)};
  ++at_;
  if (head.target().find('#') != std::string_view::npos) {
    return refuse(400, "a request target has a fragment");
  }
  return true;
}

bool HeadScanner::version(std::uint8_t& minor) noexcept {
  constexpr std::string_view kMalformed = "the HTTP version is malformed";
  constexpr std::string_view kUsual = "HTTP/1.1\r\n";
  if (end_ - at_ >= static_cast<std::ptrdiff_t>(kUsual.size()) &&
      std::memcmp(at_, kUsual.data(), kUsual.size()) == 0) {
    at_ += kUsual.size();
    minor = 1;
    return true;
  }
  if (!literal("HTTP/", kMalformed)) return false;
  if (at_ == end_) return more();
  if (*at_ < '0' || *at_ > '9') return refuse(400, kMalformed);
  if (*at_ != '1') return refuse(505, "this HTTP version is not spoken here");
  ++at_;
  if (!literal(".", kMalformed)) return false;
  if (at_ == end_) return more();
  if (*at_ < '0' || *at_ > '9') return refuse(400, kMalformed);
  minor = *at_++ == '0' ? 0 : 1;
  return line_end(kNoLineEnd);
}

bool HeadScanner::host(RequestHead& head) noexcept {
  if (!head.has(FieldId::host)) {
    return head.minor_ == 0 || refuse(400, "Host is missing");
  }
  const std::string_view value = head.value(FieldId::host);
  if (!is_valid_host(value)) return refuse(400, "Host is malformed");
  head.host_ = {offset(value.data()), static_cast<std::uint16_t>(value.size())};
  return true;
}

bool HeadScanner::request_framing(RequestHead& head) noexcept {
  const bool has_length = head.has(FieldId::content_length);
  if (has_length && !length(head.value(FieldId::content_length), head.length_)) return false;
  if (head.has(FieldId::transfer_encoding)) {
    if (head.minor_ == 0) return refuse(400, "Transfer-Encoding is not for HTTP/1.0");
    if (has_length) return refuse(400, "both Content-Length and Transfer-Encoding are given");
    if (!text::iequals(head.value(FieldId::transfer_encoding), "chunked")) {
      return refuse(501, "this Transfer-Encoding is not understood");
    }
    head.chunked_ = true;
  }
  if (head.has(FieldId::expect)) {
    if (!text::iequals(head.value(FieldId::expect), "100-continue")) {
      return refuse(417, "this Expect cannot be met");
    }
    head.expect_continue_ = head.minor_ == 1;
  }
  head.keep_alive_ = !connection_.close && (head.minor_ == 1 || connection_.keep_alive);
  head.accepts_trailers_ =
      head.minor_ == 1 && head.has(FieldId::te) && has_te_trailers(head.value(FieldId::te));
  return true;
}

bool HeadScanner::request_upgrade(RequestHead& head) noexcept {
  // Any other upgrade (h2c) is ignored here and dropped on the way up.
  if (!connection_.upgrade || !text::iequals(head.value(FieldId::upgrade), "websocket"))
    return true;
  if (!head.is_get() || head.minor_ == 0 || head.has_body()) {
    return refuse(400, "a WebSocket begins with a GET of HTTP/1.1");
  }
  if (!is_valid_key(head.value(FieldId::sec_websocket_key))) {
    return refuse(400, "Sec-WebSocket-Key is malformed");
  }
  head.upgrade_websocket_ = true;
  return true;
}

/// "http://host:port/path?query" becomes its authority and "/path?query". An empty path becomes "/"
/// (for OPTIONS "*"): the byte for it comes from the scheme, so the authority moves one to the
/// left.
bool HeadScanner::absolute_form(RequestHead& head, std::span<char> bytes) noexcept {
  const std::string_view target = head.target();
  const std::size_t scheme = target.find("://");
  const std::string_view name = target.substr(0, std::min(scheme, target.size()));
  if (!text::iequals(name, "http") && !text::iequals(name, "https")) {
    return refuse(400, "the request target is malformed");
  }
  const std::size_t start = scheme + 3;
  const std::size_t end = std::min(target.find_first_of("/?", start), target.size());
  if (!is_valid_host(target.substr(start, end - start))) {
    return refuse(400, "the request target has a malformed host");
  }
  const std::size_t at = head.target_.at;
  const bool no_path = end == target.size() || target[end] != '/';
  const std::size_t shift = no_path ? 1 : 0;
  head.host_ = {static_cast<std::uint16_t>(at + start - shift),
                static_cast<std::uint16_t>(end - start)};
  head.target_ = {static_cast<std::uint16_t>(at + end - shift),
                  static_cast<std::uint16_t>(target.size() - end + shift)};
  if (no_path) {
    const bool asterisk = end == target.size() && head.method() == "OPTIONS";
    std::memmove(bytes.data() + at + start - 1, bytes.data() + at + start, end - start);
    bytes[at + end - 1] = asterisk ? '*' : '/';
  }
  return true;
}

bool HeadScanner::resolve_target(RequestHead& head,
                                 std::span<char> bytes,
                                 std::size_t guarded) noexcept {
  if (head.target().front() != '/' && !head.asterisk() && !absolute_form(head, bytes)) return false;
  if (head.asterisk()) {
    head.path_size_ = 1;
    return head.method() == "OPTIONS" || refuse(400, "only OPTIONS may ask for *");
  }
  const std::size_t question = std::min<std::size_t>(head.target().find('?'), head.target_.size);
  head.path_size_ = static_cast<std::uint16_t>(question);
  const CanonicalPath path = canonicalise(bytes.subspan(head.target_.at, question), guarded);
  scan_.only_path = !path.refusal.empty();
  if (scan_.only_path) return refuse(400, path.refusal);
  const auto cut = static_cast<std::uint16_t>(question - path.size);
  head.target_.at = static_cast<std::uint16_t>(head.target_.at + cut);
  head.target_.size = static_cast<std::uint16_t>(head.target_.size - cut);
  head.path_size_ = static_cast<std::uint16_t>(path.size);
  return true;
}

Scan HeadScanner::request(RequestHead& head, std::span<char> bytes, std::size_t guarded) noexcept {
  head.fields_.clear(begin_);
  head.length_ = 0;
  head.chunked_ = head.expect_continue_ = head.upgrade_websocket_ = false;
  head.host_ = {};
  const bool complete = leading_line() && method(head) && request_target(head) &&
                        version(head.minor_) && fields(head.fields_, kOnce, true) && host(head) &&
                        request_framing(head) && request_upgrade(head) &&
                        resolve_target(head, bytes, guarded);
  if (complete) scan_.state = Scan::State::complete;
  if (complete || scan_.only_path) {
    scan_.used = static_cast<std::size_t>(at_ - begin_);
    head.size_ = offset(at_);
  }
  return result();
}

Scan scan_request(std::span<char> bytes,
                  std::size_t seen,
                  RequestHead& head,
                  std::size_t guarded_segments) noexcept {
  const std::string_view view(bytes.data(), bytes.size());
  if (!worth_scanning(view, seen)) return {};
  return HeadScanner(view).request(head, bytes, guarded_segments);
}

}  // namespace passerelle::proxy
