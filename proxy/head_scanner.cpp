// Fields of a head, line by line (RFC 9112, 5): no folding, no bare CR or LF, no blanks before the
// colon.
#include "proxy/head_scanner.hpp"

#include <array>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.hpp"
#include "proxy/field_names.hpp"

namespace passerelle::proxy {

namespace {

enum Class : std::uint8_t { no_token, odd_token, plain_token };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (const char c : std::string_view("!#$%&'*+.^_`|~"))
    classes[static_cast<unsigned char>(c)] = odd_token;
  for (unsigned c = '0'; c <= '9'; ++c) classes[c] = plain_token;
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] = classes[c - 0x20] = plain_token;
  classes['-'] = plain_token;
  return classes;
}
constexpr auto kClasses = make_classes();

std::uint8_t class_of(char c) noexcept {
  return kClasses[static_cast<unsigned char>(c)];
}

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// The first control character, or `end`. Values are the bulk of a head, so 16 bytes at a time
/// where that exists.
const char* find_control(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  const __m128i most = _mm_set1_epi8(0x1f);
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, most), bytes);
    const int hits = _mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, del)));
    if (hits != 0) return at + __builtin_ctz(static_cast<unsigned>(hits));
  }
#endif
  while (at != end && !is_control(*at)) ++at;
  return at;
}

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

}  // namespace

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
  for (const char c : text) {
    if (at_ == end_) return more();
    if (*at_ != c) return refuse(400, otherwise);
    ++at_;
  }
  return true;
}

bool HeadScanner::line_end(std::string_view otherwise) noexcept {
  if (end_ - at_ < 2 || at_[0] != '\r' || at_[1] != '\n') return literal("\r\n", otherwise);
  at_ += 2;
  return true;
}

bool HeadScanner::fields(Fields& fields, std::uint64_t once, bool drop_odd_names) noexcept {
  for (;;) {
    if (at_ == end_) return more();
    if (*at_ == '\r') return line_end(kNoLineEnd);
    if (lines_++ == kMostFields) return refuse(431, "there are too many header lines");
    if (!field(fields, once, drop_odd_names)) return false;
  }
}

bool HeadScanner::field(Fields& fields, std::uint64_t once, bool drop_odd_names) noexcept {
  const char* const start = at_;
  const char* const end = end_;
  const char* at = at_;
  while (at != end && class_of(*at) == plain_token) ++at;
  const bool odd = at != end && class_of(*at) == odd_token;
  while (at != end && class_of(*at) != no_token) ++at;
  at_ = at;
  if (at == end_) return more();
  const std::string_view name(start, static_cast<std::size_t>(at - start));
  if (name.empty() && is_blank(*at)) return refuse(400, "a header line is folded");
  if (name.empty() || *at != ':') return refuse(400, "a header name is malformed");
  ++at_;
  std::string_view content;
  if (!value(content)) return false;
  if (drop_odd_names && odd) return true;

  const FieldId id = identify_field(name);
  const auto index = static_cast<std::size_t>(id);
  const bool again = fields.first_[index] != Fields::kNone;
  if (again && (once & bit(id)) != 0)
    return refuse(400, "a header that may stand once stands twice");
  if (!again && id != FieldId::other) fields.first_[index] = fields.count_;
  fields.slots_[fields.count_++] = {offset(name.data()), static_cast<std::uint16_t>(name.size()),
                                    offset(content.data()),
                                    static_cast<std::uint16_t>(content.size()), id};
  return id != FieldId::connection || connection_line(fields, content);
}

bool HeadScanner::value(std::string_view& value) noexcept {
  const char* at = at_;
  while (at != end_ && is_blank(*at)) ++at;
  const char* const start = at;
  at = find_control(at, end_);
  while (at != end_ && *at == '\t') at = find_control(at + 1, end_);
  at_ = at;
  if (at == end_) return more();
  if (!line_end("a header value has a control character")) return false;
  while (at != start && is_blank(at[-1])) --at;
  value = {start, static_cast<std::size_t>(at - start)};
  return true;
}

bool HeadScanner::connection_line(Fields& fields, std::string_view value) noexcept {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view token = text::trim(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (token.empty()) continue;
    for (const char c : token) {
      if (class_of(c) == no_token) return refuse(400, "Connection lists what is no name");
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
