// The chunked coding (RFC 9112, 7.1): an incremental, strict decoder and the line that starts a
// chunk. Chunk extensions are bounded, checked and dropped, trailers too unless somebody wants
// them; what goes on is re-framed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace passerelle::proxy {

class ChunkedDecoder {
 public:
  enum class What : std::uint8_t {
    need_more,  ///< Everything was used; feed what comes next.
    data,       ///< `data` is body, to be forwarded now.
    done,       ///< The body has ended; what follows `used` belongs to the next message.
    bad,        ///< The peer must not be believed any more: 400 or 502, close.
  };
  struct Step {
    What what = What::need_more;
    std::size_t used = 0;  ///< Bytes of the input that are spent (with `data`, its bytes included).
    std::string_view data;  ///< A part of the input.
  };
  /// Takes the next step. Call again with the rest until need_more, done or bad.
  Step next(std::string_view input) noexcept;
  bool finished() const noexcept { return state_ == State::done; }
  /// From now on trailer lines are kept, at most 8 KiB.
  void keep_trailers();
  /// Once done: "name: value" CR LF each, as they came.
  std::string_view trailers() const noexcept { return trailers_; }

 private:
  enum class State : std::uint8_t {
    size_first,
    size,
    extension,
    extension_quoted,
    extension_escape,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    done,
    bad,
  };
  static constexpr std::uint32_t kMostPatience = 16U * 1024U;
  Step step_data(std::string_view input, std::size_t from) noexcept;
  bool accept(char byte) noexcept;
  bool accept_size(char byte) noexcept;
  bool accept_extension(char byte) noexcept;
  bool accept_trailer(char byte) noexcept;

  State state_ = State::size_first;
  std::uint8_t digits_ = 0;
  std::uint16_t extra_ = 0;  ///< Bytes of this chunk's extension, or of all trailers.
  std::uint32_t patience_ = kMostPatience;  ///< With extensions: spent by them, refilled by data.
  bool keeps_trailers_ = false;
  std::uint64_t left_ = 0;
  std::string trailers_;  ///< Reserved by keep_trailers(), so that it never grows.
};

/// "1f4\r\n", to stand before that many bytes and "\r\n".
struct ChunkPrefix {
  explicit ChunkPrefix(std::uint64_t size) noexcept;
  std::string_view text() const noexcept { return {bytes_.data() + at_, bytes_.size() - at_}; }

 private:
  std::array<char, 18> bytes_;
  std::size_t at_;
};
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace passerelle::proxy
