// The decoder's states: a few bytes of framing one by one, data in one piece.
#include "proxy/chunked.hpp"

#include <algorithm>

namespace passerelle::proxy {

namespace {

constexpr unsigned kMostDigits = 16;
constexpr std::uint16_t kMostExtension = 256;
constexpr std::uint16_t kMostTrailers = 8U * 1024U;
constexpr std::uint64_t kMostChunk = (1ULL << 63U) - 1;

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_token(char c) noexcept {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != std::string_view::npos;
}

bool is_text(char c) noexcept {
  return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
}

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) noexcept {
  std::size_t used = 0;
  for (; used < input.size(); ++used) {
    if (state_ == State::done) return {What::done, used, {}};
    if (state_ == State::data) return step_data(input, used);
    if (!accept(input[used])) {
      state_ = State::bad;
      return {What::bad, used, {}};
    }
  }
  if (state_ == State::bad) return {What::bad, used, {}};
  return {state_ == State::done ? What::done : What::need_more, used, {}};
}

ChunkedDecoder::Step ChunkedDecoder::step_data(std::string_view input, std::size_t from) noexcept {
  const std::string_view data = input.substr(
      from, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - from)));
  left_ -= data.size();
  patience_ =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(kMostPatience, patience_ + data.size()));
  if (left_ == 0) state_ = State::data_cr;
  return {What::data, from + data.size(), data};
}

bool ChunkedDecoder::accept(char byte) noexcept {
  switch (state_) {
    case State::size_first:
    case State::size:
      return accept_size(byte);
    case State::extension:
    case State::extension_quoted:
    case State::extension_escape:
      return accept_extension(byte);
    case State::size_lf:
      state_ = left_ == 0 ? State::trailer_start : State::data;
      extra_ = 0;
      return byte == '\n';
    case State::data_cr:
      state_ = State::data_lf;
      return byte == '\r';
    case State::data_lf:
      state_ = State::size_first;
      return byte == '\n';
    case State::trailer_start:
    case State::trailer_name:
    case State::trailer_value:
    case State::trailer_lf:
      return accept_trailer(byte);
    case State::end_lf:
      state_ = State::done;
      return byte == '\n';
    case State::data:
    case State::done:
    case State::bad:
      break;
  }
  return false;
}

bool ChunkedDecoder::accept_size(char byte) noexcept {
  const int digit = hex(byte);
  if (digit >= 0) {
    digits_ = state_ == State::size_first ? 1 : static_cast<std::uint8_t>(digits_ + 1);
    left_ = (state_ == State::size_first ? 0 : left_ * 16) + static_cast<std::uint64_t>(digit);
    state_ = State::size;
    return digits_ <= kMostDigits && left_ <= kMostChunk;
  }
  if (state_ == State::size_first) return false;
  extra_ = 0;
  if (byte == '\r') {
    state_ = State::size_lf;
    return true;
  }
  state_ = State::extension;
  return byte == ';';
}

/// An extension is only followed closely enough not to take a quoted CR for the end of the line. A
/// body that is mostly extensions is an attack: many small ones count like a large one.
bool ChunkedDecoder::accept_extension(char byte) noexcept {
  if (state_ == State::extension && byte == '\r') {
    state_ = State::size_lf;
    return true;
  }
  if (++extra_ > kMostExtension || patience_-- == 0 || !is_text(byte)) return false;
  if (state_ == State::extension_escape) {
    state_ = State::extension_quoted;
  } else if (byte == '"') {
    state_ = state_ == State::extension ? State::extension_quoted : State::extension;
  } else if (byte == '\\' && state_ == State::extension_quoted) {
    state_ = State::extension_escape;
  }
  return true;
}

void ChunkedDecoder::keep_trailers() {
  keeps_trailers_ = true;
  trailers_.reserve(kMostTrailers);
}

bool ChunkedDecoder::accept_trailer(char byte) noexcept {
  if (++extra_ > kMostTrailers) return false;
  const bool of_the_end = state_ == State::trailer_start && byte == '\r';
  if (keeps_trailers_ && !of_the_end) trailers_ += byte;
  if (state_ == State::trailer_lf) {
    state_ = State::trailer_start;
    return byte == '\n';
  }
  if (state_ == State::trailer_value) {
    if (byte == '\r') state_ = State::trailer_lf;
    return byte == '\r' || is_text(byte);
  }
  if (of_the_end) {
    state_ = State::end_lf;
    return true;
  }
  if (state_ == State::trailer_name && byte == ':') {
    state_ = State::trailer_value;
    return true;
  }
  state_ = State::trailer_name;
  return is_token(byte);
}

ChunkPrefix::ChunkPrefix(std::uint64_t size) noexcept : bytes_{}, at_(bytes_.size()) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  bytes_[--at_] = '\n';
  bytes_[--at_] = '\r';
  do {
    bytes_[--at_] = kDigits[size % 16];
    size /= 16;
  } while (size != 0);
}

}  // namespace passerelle::proxy
