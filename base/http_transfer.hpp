// One HTTP request under way, on CurlMulti: what HttpClient and HttpStreams share. For base/ only.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/curl_multi.hpp"
#include "base/http_client.hpp"
#include "base/http_stream.hpp"

namespace passerelle {

struct CurlFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Lines = std::unique_ptr<curl_slist, CurlFree>;

/// One request under way. Lives in fetch's frame, so that whatever ends the frame also ends the
/// transfer.
class Transfer {
 public:
  Transfer(std::shared_ptr<CurlMulti> multi,
           HttpRequest request,
           const asio::any_io_executor& executor);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Result<void> start();
  bool ended() const { return ended_; }
  /// Never expires: cancelled when the transfer has ended, or as a stream has something new. So a
  /// cancelled task wakes here too, by Asio's own means.
  asio::steady_timer& done() { return done_; }
  Result<HttpResponse> outcome();

  // A stream only (http_stream.hpp): before start(), and then piece by piece.
  void stream(const HttpStreamOptions& options) { options_ = options; }
  bool has_head() const { return has_head_; }
  bool has_body() const { return !response_.body.empty(); }
  HttpResponse head();
  std::string take_body();
  Result<void> end_of_stream() const;

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(easy_.get(), option, value);
    if (refused_ == CURLE_OK) refused_ = code;
  }
  Result<void> set_headers();
  void set_method();
  void set_address();
  void set_limits();
  void end(CURLcode code);
  Error failure() const;

  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  void take_header(std::string_view line);
  void set_stream();
  void set_blob(CURLoption option, const std::string& bytes);
  std::size_t take(std::string_view bytes);

  std::shared_ptr<CurlMulti> multi_;
  HttpRequest request_;
  asio::steady_timer done_;
  std::array<char, CURL_ERROR_SIZE> words_{};
  Lines header_lines_;
  Lines address_lines_;
  std::unique_ptr<CURL, CurlFree> easy_;  // after what it points to
  HttpResponse response_;
  std::size_t header_bytes_ = 0;
  std::optional<HttpStreamOptions> options_;
  bool has_head_ = false;
  bool paused_ = false;
  bool too_large_ = false;
  bool ended_ = false;
  CURLcode refused_ = CURLE_OK;
  CURLcode code_ = CURLE_OK;
};

}  // namespace passerelle
