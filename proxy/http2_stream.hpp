// One stream of an HTTP/2 connection: the near end of a pair of sockets whose far end is served as
// any other HTTP/1.1 connection (connection.hpp). Knows bodies and heads, nothing of frames.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/blocks.hpp"
#include "proxy/body.hpp"
#include "proxy/http2_request.hpp"
#include "proxy/loop.hpp"
#include "proxy/pace.hpp"

namespace passerelle::proxy {

class Http2Stream final : public Watcher {
 public:
  class Owner {
   public:
    /// Something may be read or written. May destroy the stream.
    virtual void on_stream_event(Http2Stream& stream) noexcept = 0;

   protected:
    ~Owner() = default;
  };

  Http2Stream(Loop& loop, std::int32_t stream_id, Owner& owner)
      : id(stream_id), loop_(loop), owner_(owner) {}
  ~Http2Stream();
  Http2Stream(const Http2Stream&) = delete;
  Http2Stream& operator=(const Http2Stream&) = delete;

  /// Makes the pair; false if no descriptor is left. take_far() is then the caller's to serve.
  bool open();
  int take_far() noexcept { return std::exchange(far_, -1); }

  // To the server. Each returns how many bytes of DATA were taken for good: the window may grow.
  void begin(std::string_view head, bool chunked);
  std::size_t push(std::string_view data);
  std::size_t end();
  std::size_t flush();
  std::size_t unconsumed() const noexcept { return unconsumed_; }
  std::size_t held() const noexcept { return backlog_.size() + early_.size(); }
  bool opened() const noexcept { return near_ >= 0; }

  // From it.
  enum class Got : std::uint8_t {
    some,   ///< Bytes, or a head.
    wait,   ///< Nothing yet.
    done,   ///< The body's end.
    broken  ///< It ended in the middle, or talks nonsense.
  };
  /// Reads a response head into `head`, whose bytes then lie in `room`; `room` is as long as
  /// Lane::read_room. Interim heads come one by one.
  Got read_head(std::span<char> room, ResponseHead& head);
  /// After the final head.
  void expect_body(const ResponseHead& head);
  Got read_body(std::span<char> into, std::size_t& count);
  bool finished() const noexcept { return reader_.finished(); }
  std::string_view trailers() const noexcept { return reader_.trailers(); }

  void on_events(std::uint32_t events) noexcept override;

  const std::int32_t id;
  Http2Request request;
  bool answered = false;  ///< The final head was sent.
  bool tunnel = false;    ///< Bytes in both directions, without framing.
  bool deferred = false;  ///< The answer's body waits for bytes from here.
  bool queued = false;    ///< Waits for its turn after an event.
  bool malformed = false;
  std::uint64_t taken = 0;  ///< Bytes of the answer's body that left us.
  Pace pace;
  Millis over_since = kNever;  ///< The far end is closed since; bytes may be left.

 private:
  std::size_t send(std::string_view bytes);
  std::size_t write_some(std::string_view bytes) noexcept;
  std::size_t settle(std::size_t sent) noexcept;
  Got receive(std::span<char> into, std::size_t& count) noexcept;

  Loop& loop_;
  Owner& owner_;
  int near_ = -1;
  int far_ = -1;
  Kept backlog_;  ///< For the server; bounded by the stream's window.
  Kept early_;    ///< From it: a part of a head, or what came behind one.
  std::size_t scanned_ = 0;
  std::size_t unconsumed_ = 0;
  BodyReader reader_;
  bool chunked_ = false;
  bool ends_ = false;  ///< A tunnel whose client has said its last byte.
  bool dead_ = false;  ///< The server takes no more.
  bool writing_armed_ = false;
};

}  // namespace passerelle::proxy
