#include "base/http_transfer.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace passerelle {
namespace {

constexpr std::size_t kMostHeaderBytes = 256U << 10U;
constexpr std::size_t kMostUnread = 256U << 10U;  // of a stream; then the sender waits

bool is_token(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";  // RFC 9110, 5.6.2
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void append(Lines& lines, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(lines.get(), line.c_str()); longer != nullptr) {
    static_cast<void>(lines.release());
    lines.reset(longer);
  }
}

}  // namespace

Transfer::Transfer(std::shared_ptr<CurlMulti> multi,
                   HttpRequest request,
                   const asio::any_io_executor& executor)
    : multi_(std::move(multi)),
      request_(std::move(request)),
      done_(executor, asio::steady_timer::time_point::max()) {}

Transfer::~Transfer() {
  if (easy_) multi_->remove(easy_.get());
}

Result<void> Transfer::start() {
  easy_.reset(curl_easy_init());
  if (!easy_) return Error(Errc::internal, "curl: out of memory");
  if (!is_token(request_.method)) return Error(Errc::invalid, "not an HTTP method");
  if (Result<void> headers = set_headers(); !headers) return headers;
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_ERRORBUFFER, words_.data());
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  set_method();
  set_address();
  set_limits();
  if (options_) set_stream();
  if (refused_ != CURLE_OK)
    return Error(Errc::invalid, std::string("curl: ") + curl_easy_strerror(refused_));
  return multi_->add(easy_.get(), [this](CURLcode code) { end(code); });
}

Result<void> Transfer::set_headers() {
  bool typed = false;
  for (const auto& [name, value] : request_.headers) {
    if (!is_token(name) || !is_field_value(value))
      return Error(Errc::invalid, "not an HTTP header: " + name);
    append(header_lines_,
           value.empty() ? name + ";" : name + ": " + value);  // curl's way to send an empty one
    typed = typed || text::iequals(name, "content-type");
  }
  if (!typed) append(header_lines_, "Content-Type:");  // else curl calls every body a form
  append(header_lines_, "Expect:");
  set(CURLOPT_HTTPHEADER, header_lines_.get());
  return {};
}

void Transfer::set_method() {
  const bool sends =
      request_.method == "POST" || request_.method == "PUT" || request_.method == "PATCH";
  if (sends || !request_.body.empty()) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.data());
  }
  if (request_.method == "HEAD")
    set(CURLOPT_NOBODY, 1L);
  else
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void Transfer::set_address() {
  if (!request_.ca_file.empty()) set(CURLOPT_CAINFO, request_.ca_file.c_str());
  if (!request_.cert_file.empty()) set(CURLOPT_SSLCERT, request_.cert_file.c_str());
  if (!request_.key_file.empty()) set(CURLOPT_SSLKEY, request_.key_file.c_str());
  if (!request_.verify) {
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!request_.connect_to) return;
  set(CURLOPT_PROXY, "");  // the environment's proxy cannot reach a socket of this machine
  const Upstream& upstream = *request_.connect_to;
  if (upstream.kind == Upstream::Kind::unix_socket) {
    set(CURLOPT_UNIX_SOCKET_PATH, upstream.path.c_str());
    return;
  }
  append(address_lines_,
         "::" + to_string(upstream).substr(4));  // any host, any port: "::127.0.0.1:8888"
  set(CURLOPT_CONNECT_TO, address_lines_.get());
}

void Transfer::set_limits() {
  const auto limit = std::max<std::chrono::milliseconds::rep>(
      1, request_.timeout.count());  // curl reads 0 as "never"
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(limit));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limit));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // a cancelled request must not wait for its name lookup
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void Transfer::end(CURLcode code) {
  code_ = code;
  ended_ = true;
  done_.cancel();
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->take(std::string_view(data, size * count));
}

std::size_t Transfer::take(std::string_view bytes) {
  if (options_ && response_.body.size() >= kMostUnread) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  too_large_ = !options_ && bytes.size() > request_.most_body - response_.body.size();
  if (too_large_) return 0;
  response_.body.append(bytes);
  has_head_ = true;
  if (options_) done_.cancel();
  return bytes.size();
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  transfer->header_bytes_ += bytes;
  transfer->too_large_ = transfer->header_bytes_ > kMostHeaderBytes;
  if (transfer->too_large_) return 0;
  transfer->take_header(std::string_view(data, bytes));
  return bytes;
}

void Transfer::take_header(std::string_view line) {
  if (line.starts_with("HTTP/")) {  // a final response after 100 or 103 replaces theirs
    response_.headers.clear();
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  response_.headers.emplace_back(text::ascii_lower(line.substr(0, colon)),
                                 text::trim(line.substr(colon + 1)));
}

void Transfer::set_stream() {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_->connect_timeout.count()));
  if (options_->compressed) set(CURLOPT_ACCEPT_ENCODING, "gzip");
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));  // 0: none
  if (options_->idle_timeout.count() > 0) {
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_->idle_timeout.count()));
  }
  set_blob(CURLOPT_CAINFO_BLOB, options_->ca_pem);
  set_blob(CURLOPT_SSLCERT_BLOB, options_->cert_pem);
  set_blob(CURLOPT_SSLKEY_BLOB, options_->key_pem);
}

void Transfer::set_blob(CURLoption option, const std::string& bytes) {
  if (bytes.empty()) return;
  curl_blob blob{};
  blob.data = const_cast<char*>(bytes.data());
  blob.len = bytes.size();
  blob.flags = CURL_BLOB_COPY;
  set(option, &blob);
}

HttpResponse Transfer::head() {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  return {static_cast<int>(status), std::move(response_.headers), {}};
}

std::string Transfer::take_body() {
  std::string body = std::exchange(response_.body, {});
  if (std::exchange(paused_, false)) curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
  return body;
}

Result<void> Transfer::end_of_stream() const {
  if (!ended_) return Error(Errc::cancelled, "the request was cancelled");
  if (code_ != CURLE_OK) return failure();
  return {};
}

Error Transfer::failure() const {
  const std::string words = words_[0] != '\0' ? words_.data() : curl_easy_strerror(code_);
  if (too_large_) return Error(Errc::exhausted, "the response is larger than it may be");
  if (code_ == CURLE_OPERATION_TIMEDOUT) return Error(Errc::timeout, words);
  if (code_ == CURLE_URL_MALFORMAT || code_ == CURLE_UNSUPPORTED_PROTOCOL)
    return Error(Errc::invalid, words);
  return Error(Errc::unavailable, words);
}

Result<HttpResponse> Transfer::outcome() {
  if (!ended_) return Error(Errc::cancelled, "the request was cancelled");
  if (code_ != CURLE_OK) return failure();
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

}  // namespace passerelle
