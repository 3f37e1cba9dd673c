// The status line and framing of a response (RFC 9112, 4 and 6.3). A server may be hostile: what
// can be read in two ways is refused, and a connection whose end of message is in doubt is not used
// again.
#include "base/text.hpp"
#include "proxy/head.hpp"
#include "proxy/head_scanner.hpp"

namespace passerelle::proxy {

namespace {

constexpr std::uint64_t kOnce = bit(FieldId::content_length) | bit(FieldId::transfer_encoding) |
                                bit(FieldId::upgrade) | bit(FieldId::sec_websocket_accept);

}  // namespace

bool HeadScanner::status_line(ResponseHead& head) noexcept {
  constexpr std::string_view kMalformed = "the status line is malformed";
  if (!literal("HTTP/1.", kMalformed)) return false;
  if (at_ == end_) return more();
  if (*at_ != '0' && *at_ != '1') return refuse(502, kMalformed);
  head.minor_ = static_cast<std::uint8_t>(*at_++ - '0');
  if (!literal(" ", kMalformed)) return false;
  head.status_ = 0;
  for (int i = 0; i < 3; ++i, ++at_) {
    if (at_ == end_) return more();
    if (*at_ < '0' || *at_ > '9') return refuse(502, kMalformed);
    head.status_ = static_cast<std::uint16_t>(head.status_ * 10 + (*at_ - '0'));
  }
  if (head.status_ < 100 || head.status_ > 599) return refuse(502, kMalformed);
  if (at_ == end_) return more();
  if (*at_ != ' ' && *at_ != '\r') return refuse(502, kMalformed);
  std::string_view reason;
  if (!value(reason)) return false;
  head.reason_at_ = offset(reason.data());
  head.reason_size_ = static_cast<std::uint16_t>(reason.size());
  return true;
}

bool HeadScanner::switching(ResponseHead& head, Asked asked) noexcept {
  const bool websocket =
      connection_.upgrade && text::iequals(head.value(FieldId::upgrade), "websocket");
  if (!asked.websocket || !websocket || head.minor_ == 0) {
    return refuse(502, "the server switches protocols without being asked");
  }
  head.keep_alive_ = false;
  return true;
}

bool HeadScanner::response_framing(ResponseHead& head, Asked asked) noexcept {
  const bool has_length = head.has(FieldId::content_length);
  const bool coded = head.has(FieldId::transfer_encoding);
  if (has_length && !length(head.value(FieldId::content_length), head.length_)) return false;
  if (coded && (has_length || head.minor_ == 0)) return refuse(502, "the response has two lengths");
  if (coded && !text::iequals(head.value(FieldId::transfer_encoding), "chunked")) {
    return refuse(502, "the response has an unknown Transfer-Encoding");
  }
  head.keep_alive_ = !connection_.close && (head.minor_ == 1 || connection_.keep_alive);
  head.framing_ = Framing::none;
  if (head.status_ == 101) return switching(head, asked);
  if (head.status_ < 200 || head.status_ == 204) {
    // These end with their head; one that announces a body may well send it, and it would answer
    // the next request.
    if (coded || head.length_ != 0) head.keep_alive_ = false;
  } else if (!asked.head && head.status_ != 304) {
    head.framing_ = coded ? Framing::chunked : has_length ? Framing::length : Framing::until_close;
    if (head.framing_ == Framing::until_close) head.keep_alive_ = false;
  }
  return true;
}

Scan HeadScanner::response(ResponseHead& head, Asked asked) noexcept {
  head.fields_.clear(begin_);
  head.length_ = 0;
  const bool complete =
      status_line(head) && fields(head.fields_, kOnce, false) && response_framing(head, asked);
  if (complete) {
    scan_.state = Scan::State::complete;
    scan_.used = static_cast<std::size_t>(at_ - begin_);
    head.size_ = offset(at_);
  }
  if (scan_.state == Scan::State::refused) scan_.status = 502;
  return result();
}

Scan scan_response(std::span<const char> bytes,
                   std::size_t seen,
                   Asked asked,
                   ResponseHead& head) noexcept {
  const std::string_view view(bytes.data(), bytes.size());
  if (!worth_scanning(view, seen)) return {};
  return HeadScanner(view).response(head, asked);
}

}  // namespace passerelle::proxy
