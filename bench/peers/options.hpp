// What bench_load was asked to do, and the requests that follow from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

struct Options {
  std::string mode;
  std::uint16_t port = 0;
  std::string path = "/";
  std::string headers;  ///< Whole lines, each with its CRLF: a session's cookie stays out of argv.
  std::size_t connections = 64;
  double seconds = 2;
  std::size_t requests = SIZE_MAX;  ///< Ends after so many, if that comes first.
  double rate = 0;                  ///< Requests a second; 0: closed loop.
  std::size_t size = 0;             ///< Bytes of an upload or of a WebSocket message.
  std::size_t routes = 0;  ///< How many the peer has: "{}" in the path becomes the number of one.
  bool tls = false;
  bool operator()(std::string_view name) const { return mode == name; }
};

Options parse(int argc, char** argv);

/// A whole head. What a browser sends with a small request: proxies must carry it all.
std::string request_head(const Options& options,
                         std::string_view method,
                         std::string_view extra,
                         std::size_t number = 0);
std::string websocket_head(const Options& options);
/// One message of a client, its mask all zero.
std::string websocket_message(std::size_t size);
/// What a server's message of that size takes on the wire.
std::size_t websocket_answer_size(std::size_t size);

}  // namespace bench
