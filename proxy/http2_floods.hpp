// Http2Floods: how often a client may do what costs it little and us much (RFC 9113, 10.5). How
// large one frame or one head may be is bounded by nghttp2 (http2_callbacks.cpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/loop.hpp"

namespace passerelle::proxy {

class Http2Floods {
 public:
  static constexpr Millis kWindow = 10'000;  ///< The bounds are for a time of that length.
  static constexpr std::uint32_t kMostResets = 200;
  static constexpr std::uint32_t kMostControl = 1'000;

  // Each counts one more. True: it is a flood.
  /// RST_STREAM from the client (CVE-2023-44487), or from us because of it (CVE-2025-8671).
  bool reset(Millis now) noexcept { return resets_.exceeds(kMostResets, now); }
  /// PING, SETTINGS, PRIORITY, DATA without data.
  bool control(Millis now) noexcept { return control_.exceeds(kMostControl, now); }
  /// WINDOW_UPDATE: as many as what was sent gives reason for are free.
  bool window_update(Millis now) noexcept;
  /// A frame of DATA left us. Its stream and the connection may each want an update, and a client
  /// that reads in small pieces one for each.
  void data_sent(std::size_t size) noexcept { updates_due_ += 2 + size / 1024; }

 private:
  class Rate {
   public:
    bool exceeds(std::uint32_t most, Millis now) noexcept;

   private:
    Millis since_ = 0;
    std::uint32_t count_ = 0;
  };

  Rate resets_;
  Rate control_;
  std::uint64_t updates_due_ = 0;
};

}  // namespace passerelle::proxy
