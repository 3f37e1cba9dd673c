#include "proxy/body.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "proxy/trailers.hpp"

namespace passerelle::proxy {

BodyReader::BodyReader(Framing framing, std::uint64_t length) noexcept
    : framing_(framing), left_(framing == Framing::length ? length : 0) {
  finished_ = framing == Framing::none || (framing == Framing::length && length == 0);
}

BodyReader::Piece BodyReader::next(std::span<char> input) noexcept {
  if (finished_) return {};
  if (framing_ == Framing::chunked) return next_chunked(input);
  std::size_t size = input.size();
  if (framing_ == Framing::length) {
    size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size));
    left_ -= size;
    finished_ = left_ == 0;
  }
  return {{input.data(), size}, size, false};
}

BodyReader::Piece BodyReader::next_chunked(std::span<char> input) noexcept {
  Piece piece;
  char* begin = nullptr;
  std::size_t size = 0;
  while (piece.used < input.size()) {
    const ChunkedDecoder::Step step =
        decoder_.next({input.data() + piece.used, input.size() - piece.used});
    piece.used += step.used;
    if (step.what == ChunkedDecoder::What::data) {
      char* const at = input.data() + (step.data.data() - input.data());
      if (begin == nullptr) begin = at;
      if (begin + size != at) std::memmove(begin + size, at, step.data.size());
      size += step.data.size();
      continue;
    }
    piece.bad = step.what == ChunkedDecoder::What::bad;
    finished_ = step.what == ChunkedDecoder::What::done;
    break;
  }
  if (begin != nullptr) piece.data = {begin, size};
  return piece;
}

std::uint64_t BodyReader::unframed() const noexcept {
  if (finished_ || framing_ == Framing::chunked) return 0;
  return framing_ == Framing::length ? left_ : UINT64_MAX;
}

void BodyReader::pass(std::uint64_t count) noexcept {
  if (framing_ != Framing::length) return;
  left_ -= count;
  finished_ = left_ == 0;
}

bool BodyReader::end() noexcept {
  if (framing_ != Framing::until_close) return finished_;
  finished_ = true;
  return true;
}

int BodyPump::source_interest() const noexcept {
  return moving() && !blocked() && !reader_.finished() ? kToRead : 0;
}

void BodyPump::stop(State state) noexcept {
  state_ = state;
  backlog_.clear();
  pipe_.drop();
}

void BodyPump::send(std::string_view bytes) {
  emit(bytes, {}, false);
}

void BodyPump::feed(std::string_view lead, std::span<char> input) {
  const BodyReader::Piece piece = reader_.next(input);
  moved_ += piece.data.size();
  if (piece.bad) return stop(State::source_bad);
  if (moved_ > most_) return stop(State::too_long);
  const std::span<char> rest = input.subspan(piece.used);
  if (!rest.empty()) early_.assign({rest.data(), rest.size()});
  emit(lead, piece.data, reader_.finished());
  settle();
}

void BodyPump::emit(std::string_view lead, std::string_view data, bool last) {
  constexpr std::string_view kEndOfChunk = "\r\n";
  const ChunkPrefix prefix(data.size());
  constexpr std::size_t kLastLine = 3;
  std::array<iovec, 7> parts;
  std::size_t count = 0;
  const auto add = [&](std::string_view bytes) {
    if (!bytes.empty()) parts[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  };
  add(lead);
  if (chunked_ && !data.empty()) add(prefix.text());
  add(data);
  if (chunked_ && !data.empty()) add(kEndOfChunk);
  const std::string trailers = last ? clean_trailers(reader_.trailers()) : std::string();
  if (chunked_ && last) add(trailers.empty() ? kLastChunk : kLastChunk.substr(0, kLastLine));
  if (!trailers.empty()) add(trailers);
  if (!trailers.empty()) add(kEndOfChunk);
  if (count == 0) return;
  Io io{Io::State::again, 0};
  if (!blocked()) io = to_.write(std::span(parts.data(), count));
  if (io.state == Io::State::failed) return stop(State::sink_lost);
  std::size_t skip = io.count;
  for (std::size_t at = 0; io.state == Io::State::again && at < count; ++at) {
    const std::string_view part(static_cast<const char*>(parts[at].iov_base), parts[at].iov_len);
    const std::size_t gone = std::min(skip, part.size());
    skip -= gone;
    backlog_.append(part.substr(gone));
  }
}

void BodyPump::settle() noexcept {
  if (moving() && reader_.finished() && !blocked()) state_ = State::done;
}

bool BodyPump::step(std::span<char> buffer) {
  constexpr int kRounds = 8;  // one fast pair must not hold up the other connections of the thread
  for (int round = 0; moving() && round < kRounds; ++round) {
    if (blocked() && !flush()) return true;
    settle();
    if (!moving() || (early_.empty() && !from_.readable())) return true;
    if (!may_splice() || !splice_some()) read_some(buffer);
  }
  return !moving();
}

/// False if the receiver has not taken all that we hold.
bool BodyPump::flush() noexcept {
  if (!to_.writable()) return false;
  const Io io = pipe_ ? pipe_.empty(to_) : to_.write(backlog_.view());
  if (io.state == Io::State::failed) return stop(State::sink_lost), false;
  if (!pipe_) backlog_.consume(io.count);
  if (blocked()) return false;
  pipe_.drop();
  return true;
}

/// A pipe pays for itself when much has come and much will come, as it stands.
bool BodyPump::may_splice() const noexcept {
  constexpr std::uint64_t kCopied = 64U << 10U;
  return pipes_ != nullptr && moved_ >= kCopied && reader_.unframed() >= kCopied &&
         most_ - moved_ >= kCopied && !chunked_ && early_.empty() && from_.tls() == nullptr &&
         to_.tls() == nullptr;
}

/// False: there is no pipe, or nothing that a pipe could do: the bytes are to be copied.
bool BodyPump::splice_some() noexcept {
  constexpr std::uint64_t kAtOnce = 1U << 20U;
  Pipe pipe = pipes_->take();
  if (!pipe) return false;
  const std::uint64_t most = std::min({kAtOnce, reader_.unframed(), most_ - moved_});
  const Io io = pipe.fill(from_, static_cast<std::size_t>(most));
  if (io.state == Io::State::again) return true;
  if (io.state != Io::State::ok) {  // a read will say the same, or prove it wrong
    pipes_ = nullptr;
    return false;
  }
  reader_.pass(io.count);
  moved_ += io.count;
  pipe_ = std::move(pipe);
  if (flush()) settle();
  return true;
}

void BodyPump::read_some(std::span<char> buffer) {
  if (!early_.empty()) {
    const Kept taken = std::move(early_);  // came through this very buffer, so it fits
    std::memcpy(buffer.data(), taken.view().data(), taken.size());
    return feed({}, buffer.first(taken.size()));
  }
  const Io io = from_.read(buffer);
  if (io.state == Io::State::again) return;
  if (io.state == Io::State::ok) return feed({}, buffer.first(io.count));
  if (io.state == Io::State::failed || !reader_.end()) return stop(State::source_lost);
  emit({}, {}, true);
  settle();
}

}  // namespace passerelle::proxy
