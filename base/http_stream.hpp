// HttpStreams: responses that are read as they come, for watches that last for hours, and requests
// with the means of a machine's account (certificates out of memory). On the caller's Asio loop.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/http_client.hpp"

namespace passerelle {

class CurlMulti;
class Transfer;

struct HttpStreamOptions {
  std::chrono::milliseconds connect_timeout{3'000};
  std::chrono::seconds idle_timeout{0};  ///< Without a byte that long it is broken; 0: never.
  bool compressed = false;               ///< gzip is asked for and undone.
  std::string ca_pem;                    ///< Instead of ca_file; empty: that one
  std::string cert_pem;
  std::string key_pem;
};

/// One response. Destroying it drops the connection.
class HttpStream {
 public:
  HttpStream(std::unique_ptr<Transfer> transfer, HttpResponse head);
  ~HttpStream();
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  int status() const noexcept { return head_.status; }
  const HttpResponse& head() const noexcept { return head_; }  ///< Without its body
  /// What has come since the last call; waits for it. Empty: the response is complete. At most
  /// about 256 KiB are kept, then the sender has to wait. Errors as HttpClient::fetch.
  Task<Result<std::string>> next();

 private:
  std::unique_ptr<Transfer> transfer_;
  HttpResponse head_;
};

class HttpStreams {
 public:
  /// As HttpClient: one thread, and destroyed there.
  explicit HttpStreams(asio::io_context& loop);
  ~HttpStreams();
  HttpStreams(const HttpStreams&) = delete;
  HttpStreams& operator=(const HttpStreams&) = delete;

  /// Returns when the head is there and the body has begun, or is empty. `request.timeout` 0: the
  /// whole may last for ever; `most_body` does not count.
  Task<Result<std::unique_ptr<HttpStream>>> open(HttpRequest request, HttpStreamOptions options);
  /// The whole response, up to `most_body`.
  Task<Result<HttpResponse>> fetch(HttpRequest request, HttpStreamOptions options);

 private:
  std::shared_ptr<CurlMulti> multi_;
};

}  // namespace passerelle
