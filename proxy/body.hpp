// Message bodies on their way: BodyReader takes a body out of one side's framing, BodyPump carries
// it from one socket to the other and frames it anew. Holds bytes only while the receiving side is
// full, and reads no more until it is not.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "proxy/blocks.hpp"
#include "proxy/chunked.hpp"
#include "proxy/head.hpp"
#include "proxy/pipes.hpp"
#include "proxy/socket.hpp"

namespace passerelle::proxy {

class BodyReader {
 public:
  BodyReader() = default;  ///< No body.
  BodyReader(Framing framing, std::uint64_t length) noexcept;

  struct Piece {
    std::string_view data;  ///< Body bytes: a part of the input, moved together in place if chunks
                            ///< were between them.
    std::size_t used = 0;   ///< What is left of the input belongs to the next message.
    bool bad = false;       ///< The framing is broken.
  };
  Piece next(std::span<char> input) noexcept;
  bool finished() const noexcept { return finished_; }
  void keep_trailers() { decoder_.keep_trailers(); }
  std::string_view trailers() const noexcept { return decoder_.trailers(); }
  /// How many of the bytes that come next are the body's, whatever they are: 0 for chunks.
  std::uint64_t unframed() const noexcept;
  /// So many of those went by unseen.
  void pass(std::uint64_t count) noexcept;
  /// The connection ended. True if the body may end so.
  bool end() noexcept;

 private:
  Piece next_chunked(std::span<char> input) noexcept;

  Framing framing_ = Framing::none;
  bool finished_ = true;
  std::uint64_t left_ = 0;
  ChunkedDecoder decoder_;
};

class BodyPump {
 public:
  enum class State : std::uint8_t {
    moving,
    done,         ///< The whole body has been given to the receiving socket.
    source_bad,   ///< Wrong framing.
    source_lost,  ///< Ended in the middle.
    sink_lost,    ///< The receiver is gone.
    too_long,     ///< More than limit().
  };

  /// `early`: bytes of `from` that were read already; after `done`, those of the next message.
  BodyPump(Socket& from, Socket& to, Kept& early) noexcept : from_(from), to_(to), early_(early) {}

  void set(BodyReader reader, bool chunked) noexcept {
    reader_ = std::move(reader);
    chunked_ = chunked;
  }
  /// What trailers() of the body may pass goes behind its last chunk.
  void pass_trailers() { reader_.keep_trailers(); }
  void limit(std::uint64_t most) noexcept { most_ = most; }
  /// What goes on for long may pass through a pipe of that pool, which outlives this.
  void splice_with(PipePool& pipes) noexcept { pipes_ = &pipes; }

  /// Sends `bytes` as they are, before what follows. Does not end the body.
  void send(std::string_view bytes);
  /// Sends `lead` and the part of the body that `input` begins with, in one go; what is not of the
  /// body becomes early.
  void feed(std::string_view lead, std::span<char> input);
  /// Moves what can be moved without waiting, through `buffer`. False: there may be more, but
  /// others shall have a turn.
  bool step(std::span<char> buffer);
  /// No more is read or sent; what the receiver has not got is dropped.
  void stop(State state) noexcept;

  State state() const noexcept { return state_; }
  bool moving() const noexcept { return state_ == State::moving; }
  bool blocked() const noexcept {
    return !backlog_.empty() || pipe_.held() != 0;
  }  ///< Waits for the receiver.
  int source_interest() const noexcept;
  bool waits_for_source() const noexcept { return source_interest() != 0; }
  int sink_interest() const noexcept { return moving() && blocked() ? kToWrite : 0; }
  std::size_t held() const noexcept { return backlog_.size(); }
  std::uint64_t moved() const noexcept { return moved_; }  ///< Body bytes, without framing.

 private:
  void read_some(std::span<char> buffer);
  bool may_splice() const noexcept;
  bool splice_some() noexcept;
  bool flush() noexcept;
  void emit(std::string_view lead, std::string_view data, bool last);
  void settle() noexcept;

  Socket& from_;
  Socket& to_;
  Kept& early_;
  Kept backlog_;
  BodyReader reader_;
  PipePool* pipes_ = nullptr;
  Pipe pipe_;  ///< Only while it holds bytes that the receiver did not take.
  std::uint64_t moved_ = 0;
  std::uint64_t most_ = UINT64_MAX;
  bool chunked_ = false;
  State state_ = State::moving;
};

}  // namespace passerelle::proxy
