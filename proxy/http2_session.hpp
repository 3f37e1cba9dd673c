// Http2Session: the frames of one connection and its streams. What floods ends the connection
// (http2_floods.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "proxy/connection.hpp"
#include "proxy/http2_floods.hpp"
#include "proxy/http2_stream.hpp"
#include "proxy/pace.hpp"

namespace passerelle::proxy {

class Http2Session final : public Http2Stream::Owner {
 public:
  static constexpr std::uint32_t kMostStreams = 100;
  static constexpr std::uint32_t kStreamWindow = 256U << 10U;  ///< Held for a server at most.
  static constexpr std::int32_t kWindow = 1 << 20;             ///< For all streams of a connection.

  Http2Session(Lane& lane, Connection& connection);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  bool alive() const noexcept;
  bool failed() const noexcept { return failed_; }  ///< The client is gone.
  /// Does what can be done without waiting. False: there may be more, but others shall have a turn.
  bool turn();
  Millis deadline() const noexcept;
  Phase phase() const noexcept { return leaving_ ? Phase::busy : Phase::idle; }
  int interest() const noexcept { return out_.empty() ? kToRead : kToRead | kToWrite; }
  /// After a wait. False: the connection is over.
  bool go_on(Wake wake) noexcept;

  void on_stream_event(Http2Stream& stream) noexcept override;

  // What nghttp2 tells; 0, or its error.
  int on_frame_begins(const nghttp2_frame_hd& head);
  int on_begin(const nghttp2_frame& frame);
  int on_field(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  int on_frame(const nghttp2_frame& frame);
  int on_data(std::int32_t id, std::string_view data);
  int on_sent(const nghttp2_frame& frame);
  int on_closed(std::int32_t id);
  ssize_t give_body(std::int32_t id, std::span<char> into, std::uint32_t& flags);

 private:
  Http2Stream* find(std::int32_t id) const noexcept;
  void begin_request(Http2Stream& stream, bool ended);
  void end_request(Http2Stream& stream);
  void refuse(Http2Stream& stream, int status);
  void note_refused(const Http2Stream& stream, int status, std::string_view why);
  void reset(std::int32_t id, std::uint32_t code) noexcept;
  void calm() noexcept;
  void consume(const Http2Stream& stream, std::size_t count) noexcept;
  bool receive();
  void serve_begun();
  void advance(Http2Stream& stream);
  void take_heads(Http2Stream& stream);
  void submit_head(Http2Stream& stream);
  bool transmit();
  void collect();
  Pace::Owes owed_by_client(const Http2Stream& stream) const noexcept;
  void sweep() noexcept;
  void note_held() noexcept;
  void leave() noexcept;

  Lane& lane_;
  Connection& connection_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Http2Stream>> streams_;
  std::vector<std::int32_t> begun_;  ///< Their servers are to be started.
  std::vector<std::int32_t> ready_;
  Kept out_;                   ///< Frames that the client did not take yet.
  Pace pace_;                  ///< Of the connection itself;
  Pace window_pace_;           ///< of its window, when all streams wait for that.
  std::uint64_t brought_ = 0;  ///< Bytes of DATA, both ways.
  std::uint64_t taken_ = 0;
  Http2Floods floods_;
  std::int32_t last_begun_ = -1;    ///< The client's newest stream.
  std::int32_t skipped_first_ = 0;  ///< The last that it left out before one, from here
  std::int32_t skipped_last_ = -1;  ///< to here.
  Millis idle_since_;
  Millis blocked_since_ = kNever;
  Millis next_sweep_;
  bool leaving_ = false;  ///< GOAWAY was said.
  bool calmed_ = false;   ///< It was a flood.
  bool failed_ = false;
};

}  // namespace passerelle::proxy
