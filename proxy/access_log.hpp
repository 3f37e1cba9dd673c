// AccessLog: one JSON line per request, collected per proxy thread and handed to the log in
// batches. Never a query, a cookie or a token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/blocks.hpp"
#include "proxy/loop.hpp"
#include "proxy/trace.hpp"

namespace passerelle::proxy {

/// What a line says of a request. Views must hold only during the call.
struct AccessEntry {
  std::string_view method;
  std::string_view path;  ///< Without query.
  std::string_view peer;
  std::string_view
      upstream;          ///< Prefix of the route, "hub", or empty when the proxy answered itself.
  std::string_view end;  ///< Why it ended early, or empty.
  int status = 0;        ///< 0: none was sent.
  std::uint64_t bytes_in = 0;  ///< Of bodies, or of both directions of a tunnel.
  std::uint64_t bytes_out = 0;
  Millis took = 0;
  Trace trace;
};

class AccessLog {
 public:
  AccessLog(Loop& loop, bool enabled) : loop_(loop), enabled_(enabled) {}
  ~AccessLog() { flush(); }
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  bool enabled() const noexcept { return enabled_; }
  void add(const AccessEntry& entry);
  void flush();  ///< Every tick, and whenever enough has come together.

 private:
  void append_time();
  void append_number(std::string_view key, std::uint64_t number);

  Loop& loop_;
  bool enabled_;
  std::string lines_;
  std::int64_t second_ = -1;
  char second_text_[20] = {};  ///< "2026-11-22T00:50:24"
};

}  // namespace passerelle::proxy
