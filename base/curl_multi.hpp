// CurlMulti: libcurl's multi interface on an Asio loop. It watches the sockets and the timer that
// curl asks for, and tells each transfer when it has ended. What a request is, http_client.cpp
// knows.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <curl/curl.h>

#include "base/result.hpp"

namespace passerelle {

/// Everything happens on the loop's thread; curl's callbacks never reach the caller's code.
class CurlMulti : public std::enable_shared_from_this<CurlMulti> {
 public:
  using Ended = std::function<void(CURLcode)>;

  explicit CurlMulti(boost::asio::io_context& loop);
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  /// Starts a prepared transfer. `ended` is called once from the loop, unless remove() comes first;
  /// it must not call back into this object.
  Result<void> add(CURL* easy, Ended ended);
  /// Ends it at once, with its connection if the exchange was not complete.
  void remove(CURL* easy);

 private:
  struct Watch;

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int on_timer(CURLM*, long milliseconds, void* self);
  int watch(curl_socket_t socket, int what);
  void arm(const std::shared_ptr<Watch>& watch);
  void wait(const std::shared_ptr<Watch>& watch, int direction);
  void act(curl_socket_t socket, int events);

  boost::asio::io_context& loop_;
  boost::asio::steady_timer timer_;
  CURLM* multi_;
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  std::unordered_map<CURL*, Ended> transfers_;
};

}  // namespace passerelle
