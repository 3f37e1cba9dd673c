#include "proxy/http2_request.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::size_t kFieldOverhead = 32;  // RFC 9113, 6.5.2

bool breaks_a_line(std::string_view value) noexcept {
  constexpr std::string_view kBreaking("\r\n\0", 3);
  return value.find_first_of(kBreaking) != std::string_view::npos;
}

/// Fit for a request line: a blank would end the word.
bool is_word(std::string_view value) noexcept {
  return std::ranges::all_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f;
  });
}

bool is_name(std::string_view name) noexcept {
  return !name.empty() && is_word(name) && name.find(':') == std::string_view::npos &&
         std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// What belongs to one connection must not come (RFC 9113, 8.2.2).
bool is_of_connection(std::string_view name) noexcept {
  constexpr std::string_view kThose[] = {"connection", "keep-alive", "proxy-connection",
                                         "transfer-encoding", "upgrade"};
  return std::ranges::find(kThose, name) != std::end(kThose);
}

void add_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool Http2Request::add(std::string_view name, std::string_view value) {
  size_ += name.size() + value.size() + kFieldOverhead;
  if (size_ > kMostFields) return true;  // answered once the block has ended
  if (breaks_a_line(value)) return false;
  if (name.starts_with(':')) return add_pseudo(name, value);
  if (!is_name(name) || is_of_connection(name)) return false;
  if (name == "te" && value != "trailers") return false;
  add_field(name, value);
  return true;
}

bool Http2Request::add_pseudo(std::string_view name, std::string_view value) {
  std::string* const into = name == ":method"      ? &method_
                            : name == ":scheme"    ? &scheme_
                            : name == ":path"      ? &path_
                            : name == ":authority" ? &authority_
                            : name == ":protocol"  ? &protocol_
                                                   : nullptr;
  if (into == nullptr || !into->empty() || value.empty() || !is_word(value)) return false;
  into->assign(value);
  return true;
}

void Http2Request::add_field(std::string_view name, std::string_view value) {
  if (name == "host") {
    host_.assign(value);
  } else if (name == "cookie") {  // browsers split it (RFC 9113, 8.2.3)
    if (!cookie_.empty()) cookie_ += "; ";
    cookie_ += value;
  } else if (name == "te") {
    wants_trailers_ = true;
  } else if (name == "sec-websocket-key") {
    return;  // has no meaning here; ours goes on
  } else {
    has_length_ = has_length_ || name == "content-length";
    add_line(fields_, name, value);
  }
}

int Http2Request::verdict() const noexcept {
  if (size_ > kMostFields) return 431;
  if (method_ == "CONNECT" && protocol_.empty()) return 405;
  const bool rooted = path_.starts_with('/') || (path_ == "*" && method_ == "OPTIONS");
  if (method_.empty() || !rooted) return -1;
  if (!host_.empty() && !authority_.empty() && !text::iequals(host_, authority_)) return -1;
  if (!protocol_.empty() && method_ != "CONNECT") return -1;
  if (!protocol_.empty() && !websocket()) return 501;
  if (websocket() && has_length_) return -1;
  return scheme_ == "https" ? 0 : 421;
}

std::string Http2Request::http1_head(bool has_body, std::string_view key) const {
  std::string out(websocket() ? "GET" : method_);
  out.append(" ").append(path_).append(" HTTP/1.1\r\n");
  if (!host().empty()) add_line(out, "Host", host());
  if (websocket()) {
    out += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    add_line(out, "Sec-WebSocket-Key", key);
  } else if (wants_trailers_) {
    out += "Connection: TE\r\nTE: trailers\r\n";
  }
  if (!cookie_.empty()) add_line(out, "Cookie", cookie_);
  const bool lengthless = !websocket() && !has_length_;
  if (lengthless && has_body) out += "Transfer-Encoding: chunked\r\n";
  const bool owes_length = method_ == "POST" || method_ == "PUT" || method_ == "PATCH";
  if (lengthless && !has_body && owes_length) out += "Content-Length: 0\r\n";
  return out.append(fields_).append("\r\n");
}

}  // namespace passerelle::proxy
