// Fields of a head, line by line (RFC 9112, 5): no folding, no bare CR or LF, no blanks before the
// colon.
#include "proxy/head_scanner.hpp"

#include <cstring>

#include "base/text.hpp"
#include "proxy/characters.hpp"
#include "proxy/field_names.hpp"

namespace passerelle::proxy {

void Fields::clear(const char* base) noexcept {
  base_ = base;
  count_ = 0;
  token_count_ = 0;
  first_.fill(kNone);
}

std::string_view Fields::value(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < size(); ++i) {
    const Field field = (*this)[i];
    if (text::iequals(field.name, name)) return field.value;
  }
  return {};
}

bool worth_scanning(std::string_view bytes, std::size_t seen) noexcept {
  if (seen == 0 || bytes.size() >= kMostTarget) return true;
  return seen < bytes.size() && bytes.find('\n', seen) != std::string_view::npos;
}

HeadScanner::HeadScanner(std::string_view bytes) noexcept
    : begin_(bytes.data()),
      at_(bytes.data()),
      end_(bytes.data() + std::min(bytes.size(), kMostHead)),
      clipped_(bytes.size() >= kMostHead) {}

bool HeadScanner::refuse(int status, std::string_view reason) noexcept {
  scan_.state = Scan::State::refused;
  scan_.status = status;
  scan_.reason = reason;
  return false;
}

bool HeadScanner::more() noexcept {
  if (clipped_) return refuse(431, "the header lines are too long");
  scan_.state = Scan::State::incomplete;
  return false;
}

bool HeadScanner::literal(std::string_view text, std::string_view otherwise) noexcept {
  if (static_cast<std::size_t>(end_ - at_) >= text.size() &&
      std::memcmp(at_, text.data(), text.size()) == 0) {
    at_ += text.size();
    return true;
  }
  for (const char c : text) {
    if (at_ == end_) return more();
    if (*at_ != c) return refuse(400, otherwise);
    ++at_;
  }
  return true;
}

/// The name and its colon. `odd`: it has other characters than letters, digits and "-".
[[gnu::always_inline]] inline bool HeadScanner::name(std::string_view& name, bool& odd) noexcept {
  const char* const start = at_;
  const char* at = find_not_plain(start, end_);
  odd = at != end_ && token_of(*at) == Token::odd;
  if (odd)
    while (at != end_ && token_of(*at) != Token::none) ++at;
  at_ = at;
  if (at == end_) return more();
  name = {start, static_cast<std::size_t>(at - start)};
  if (name.empty() && is_blank(*at)) return refuse(400, "a header line is folded");
  if (name.empty() || *at != ':') return refuse(400, "a header name is malformed");
  ++at_;
  return true;
}

[[gnu::always_inline]] inline bool HeadScanner::content(std::string_view& value) noexcept {
  const char* at = at_;
  while (at != end_ && is_blank(*at)) ++at;
  const char* const start = at;
  for (;; ++at) {
    at = find_control(at, end_);
    if (at == end_ || *at != '\t') break;
  }
  at_ = at;
  if (at == end_) return more();
  if (!line_end("a header value has a control character")) return false;
  while (at != start && is_blank(at[-1])) --at;
  value = {start, static_cast<std::size_t>(at - start)};
  return true;
}

[[gnu::always_inline]] inline bool HeadScanner::field(Fields& fields,
                                                      std::uint64_t once,
                                                      bool drop_odd_names) noexcept {
  std::string_view name;
  std::string_view value;
  bool odd = false;
  if (!this->name(name, odd) || !content(value)) return false;
  if (drop_odd_names && odd) return true;

  const FieldId id = identify_field(name);
  Fields::Slot& slot = fields.slots_[fields.count_];
  slot.name = offset(name.data());
  slot.name_size = static_cast<std::uint16_t>(name.size());
  slot.value = offset(value.data());
  slot.value_size = static_cast<std::uint16_t>(value.size());
  slot.id = id;
  const char* const colon = name.data() + name.size();
  slot.tidy =
      value.data() == colon + 2 && colon[1] == ' ' && value.data() + value.size() + 2 == at_;
  ++fields.count_;
  if (id == FieldId::other) return true;

  std::uint8_t& first = fields.first_[static_cast<std::size_t>(id)];
  if (first == Fields::kNone)
    first = static_cast<std::uint8_t>(fields.count_ - 1);
  else if ((once & bit(id)) != 0)
    return refuse(400, "a header that may stand once stands twice");
  return id != FieldId::connection || connection_line(fields, value);
}

// One loop with everything in it: half of what a small request costs us happens here.
bool HeadScanner::fields(Fields& fields, std::uint64_t once, bool drop_odd_names) noexcept {
  for (;;) {
    if (at_ == end_) return more();
    if (*at_ == '\r') return line_end(kNoLineEnd);
    if (lines_++ == kMostFields) return refuse(431, "there are too many header lines");
    if (!field(fields, once, drop_odd_names)) return false;
  }
}

bool HeadScanner::value(std::string_view& value) noexcept {
  return content(value);
}

bool HeadScanner::connection_line(Fields& fields, std::string_view value) noexcept {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view token = text::trim(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (token.empty()) continue;
    for (const char c : token) {
      if (token_of(c) == Token::none) return refuse(400, "Connection lists what is no name");
    }
    if (is_name(token, "close")) {
      connection_.close = true;
    } else if (is_name(token, "keep-alive")) {
      connection_.keep_alive = true;
    } else if (is_name(token, "upgrade")) {
      connection_.upgrade = true;
    } else if (!is_name(token, "te")) {
      if (fields.token_count_ == kMostConnectionTokens) {
        return refuse(400, "Connection lists too many names");
      }
      fields.tokens_[fields.token_count_++] = {offset(token.data()),
                                               static_cast<std::uint16_t>(token.size())};
    }
  }
  return true;
}

bool HeadScanner::length(std::string_view digits, std::uint64_t& length) noexcept {
  constexpr std::uint64_t kMost = (1ULL << 63U) - 1;
  length = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return refuse(400, "Content-Length is no number");
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (kMost - digit) / 10) return refuse(400, "Content-Length is too large");
    length = length * 10 + digit;
  }
  return !digits.empty() || refuse(400, "Content-Length is empty");
}

Scan HeadScanner::result() const noexcept {
  return scan_;
}

}  // namespace passerelle::proxy
