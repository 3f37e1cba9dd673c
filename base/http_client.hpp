// HttpClient: one awaitable HTTP request, for control-plane calls (is the server up?, OIDC
// discovery, REST APIs). libcurl's multi interface driven by the caller's Asio loop; never used on
// the proxy's request path.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/task.hpp"
#include "base/upstream.hpp"

namespace passerelle {

class CurlMulti;

struct HttpRequest {
  std::string method = "GET";
  std::string url;  ///< http:// or https:// only; redirects are not followed.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::optional<Upstream> connect_to;         ///< Connect here, whatever the URL's host says.
  std::chrono::milliseconds timeout{10'000};  ///< Whole request.
  std::size_t most_body = 1U << 20U;          ///< A longer response body is Errc::exhausted.
  std::string ca_file;    ///< Trust these instead of the system's; empty: system.
  std::string cert_file;  ///< Shown to a server that asks for it (PEM); empty: none.
  std::string key_file;   ///< Its key; empty: in the same file.
  bool verify = true;     ///< False: any certificate will do.
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Names in lower case.
  std::string body;
};

class HttpClient {
 public:
  /// All calls come from `loop`'s thread; the client must be destroyed there (or after the loop has
  /// ended).
  explicit HttpClient(asio::io_context& loop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any HTTP status is a value. Errc::timeout, or Errc::unavailable when nobody answers (message:
  /// curl's own words); Errc::invalid for a method, header or URL that cannot be sent,
  /// Errc::exhausted above the limits (1024 requests at once, 256 KiB of headers). Cancelling the
  /// task drops the connection at once. Without `connect_to`, the proxy variables of the
  /// environment are followed. The program must ignore SIGPIPE: OpenSSL raises it.
  Task<Result<HttpResponse>> fetch(HttpRequest request);

 private:
  std::shared_ptr<CurlMulti>
      multi_;  // shared with the requests under way: each may outlive the client
};

}  // namespace passerelle
