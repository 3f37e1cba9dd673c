// HttpClient: one awaitable HTTP request, for control-plane calls (is the server up?, OIDC discovery, REST APIs).
// libcurl's multi interface driven by the caller's Asio loop; never used on the proxy's request path.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/task.hpp"
#include "base/upstream.hpp"

namespace passerelle {

struct HttpRequest {
  std::string method = "GET";
  std::string url;                                           ///< http:// or https:// only; redirects are not followed.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::optional<Upstream> connect_to;                        ///< Connect here, whatever the URL's host says.
  std::chrono::milliseconds timeout{10'000};                 ///< Whole request.
  std::size_t most_body = 1U << 20U;                         ///< A longer response body is Errc::exhausted.
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Names in lower case.
  std::string body;
};

class HttpClient {
 public:
  /// All calls come from `loop`'s thread; the client must be destroyed there (or after the loop has ended).
  explicit HttpClient(asio::io_context& loop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any HTTP status is a value. Errc::timeout, or Errc::unavailable when nobody answers (message: curl's own words).
  /// Cancelling the task drops the connection.
  Task<Result<HttpResponse>> fetch(HttpRequest request);

 private:
  class Multi;
  std::unique_ptr<Multi> multi_;
};

}  // namespace passerelle
