#include "spawners/kubernetes/api.hpp"

#include <algorithm>
#include <charconv>

namespace passerelle::spawners::kubernetes {
namespace {

constexpr int kUnauthenticated = 401;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr int kGone = 410;
constexpr int kTooMany = 429;
constexpr int kUnavailable = 503;
constexpr int kTries = 4;
constexpr auto kCallTimeout = std::chrono::seconds(10);
constexpr auto kSilence =
    std::chrono::seconds(150);  // with bookmarks, a watch says something each minute

Errc code_of(int status) {
  switch (status) {
    case kUnauthenticated:
      return Errc::unauthenticated;
    case kForbidden:
      return Errc::forbidden;
    case kNotFound:
      return Errc::not_found;
    case kConflict:
    case kGone:
      return Errc::conflict;
    case kTooMany:
      return Errc::exhausted;
    case 400:
    case 422:
      return Errc::invalid;
    default:
      return Errc::unavailable;
  }
}

bool good(int status) {
  return status >= 200 && status < 300;
}

/// When the server wants to be asked again; nothing if it does not.
std::optional<std::chrono::seconds> retry_after(const HttpResponse& response) {
  constexpr int kLongest = 10;
  if (response.status != kTooMany && response.status != kUnavailable) return std::nullopt;
  for (const auto& [name, value] : response.headers) {
    int seconds = 0;
    if (name != "retry-after") continue;
    std::from_chars(value.data(), value.data() + value.size(), seconds);
    return std::chrono::seconds(std::clamp(seconds, 1, kLongest));
  }
  return std::nullopt;
}

}  // namespace

Task<Seats::Seat> Seats::enter() {
  if (free_ > 0) {
    --free_;
    ++taken_;
    co_return Seat(this);
  }
  const auto executor = co_await asio::this_coro::executor;
  auto turn = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
  waiting_.push_back(turn);
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await turn->async_wait(token);
  const auto still = std::find(waiting_.begin(), waiting_.end(), turn);
  if (still == waiting_.end()) co_return Seat(this);  // leave() gave us its seat
  waiting_.erase(still);                              // cancelled
  co_return Seat(nullptr);
}

void Seats::leave() {
  if (waiting_.empty()) {
    ++free_;
    --taken_;
    return;
  }
  const auto next = waiting_.front();
  waiting_.pop_front();
  next->cancel();
}

Error refusal(int status, std::string_view body) {
  const Json document = Json::parse(body, nullptr, false);
  std::string message = "HTTP status " + std::to_string(status);
  if (document.is_object() && document.contains("message") && document["message"].is_string())
    message = document["message"].get<std::string>();
  constexpr std::size_t kLongest = 500;
  if (message.size() > kLongest) message.resize(kLongest);
  const bool quota = status == kForbidden && message.find("exceeded quota") != std::string::npos;
  if (quota) return {Errc::forbidden, Cause::quota_user, message};
  return {code_of(status), Cause::spawner_down, "Kubernetes: " + message};
}

Api::Api(asio::io_context& loop, Access access)
    : http_(loop), credentials_(std::move(access)), lanes_{Seats(16), Seats(16), Seats(16)} {
  if (const auto& exec = credentials_.access().exec) plugin_ = std::make_shared<ExecPlugin>(*exec);
}

Task<Result<void>> Api::sign(HttpRequest& request, HttpStreamOptions& options) {
  if (plugin_) {
    auto ready = co_await plugin_->ready();
    if (!ready) co_return ready;
  }
  auto known = credentials_.put_on(request, options);
  if (known && plugin_) plugin_->put_on(request, options);
  co_return known;
}

bool Api::renew() {
  if (!plugin_) return credentials_.renew();
  plugin_->drop();
  return true;
}

Task<Result<HttpResponse>> Api::attempt(const Call& call) {
  HttpRequest request;
  HttpStreamOptions options;
  request.method = call.method;
  request.url = credentials_.access().server + call.path;
  request.body = call.body;
  request.headers = {{"Accept", "application/json"}};
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", call.type);
  request.timeout = kCallTimeout;
  request.most_body = call.most_body;
  options.compressed = true;
  auto known = co_await sign(request, options);
  if (!known) co_return std::move(known.error());
  auto response = co_await http_.fetch(std::move(request), std::move(options));
  if (response || response.error().code() == Errc::cancelled) co_return response;
  co_return Error(response.error().code(), Cause::spawner_down,
                  "the cluster's API server does not answer: " + response.error().message());
}

Task<Result<HttpResponse>> Api::call(Call call) {
  const auto seat = co_await lanes_[static_cast<std::size_t>(call.lane)].enter();
  for (int tried = 1;; ++tried) {
    auto response = co_await attempt(call);
    if (!response || good(response->status)) co_return response;
    const auto later = retry_after(*response);
    const bool renewed = response->status == kUnauthenticated && tried == 1 && renew();
    if (tried == kTries || (!later && !renewed))
      co_return refusal(response->status, response->body);
    if (later) co_await sleep_for(*later);
  }
}

Task<Result<Json>> Api::document(Call call) {
  auto response = co_await this->call(std::move(call));
  if (!response) co_return std::move(response.error());
  Json document = Json::parse(response->body, nullptr, false);
  if (document.is_object()) co_return document;
  co_return Error(Errc::unavailable, Cause::spawner_down, "Kubernetes: an answer that is none");
}

Task<Result<Json>> Api::get(std::string path) {
  Call question{.path = std::move(path)};
  auto found = co_await document(std::move(question));
  co_return found;
}

Task<Result<Json>> Api::create(std::string path, Json object) {
  Call order{.method = "POST", .path = std::move(path)};
  order.body = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  order.lane = Lane::write;
  auto made = co_await document(std::move(order));
  co_return made;
}

Task<Result<Json>> Api::patch(std::string path, Json change) {
  Call order{.method = "PATCH", .path = std::move(path)};
  order.body = change.dump(-1, ' ', false, Json::error_handler_t::replace);
  order.type = "application/merge-patch+json";
  order.lane = Lane::write;
  auto made = co_await document(std::move(order));
  co_return made;
}

Task<Result<void>> Api::remove(std::string path, std::chrono::seconds grace, std::string uid) {
  Json wanted{{"kind", "DeleteOptions"},
              {"apiVersion", "v1"},
              {"gracePeriodSeconds", grace.count()},
              {"propagationPolicy", "Background"}};
  if (!uid.empty()) wanted["preconditions"] = {{"uid", uid}};
  Call order{.method = "DELETE", .path = std::move(path), .body = wanted.dump()};
  order.lane = Lane::remove;
  auto gone = co_await call(std::move(order));
  if (gone || gone.error().code() == Errc::not_found) co_return Result<void>();
  // Another object has its name by now: ours is gone.
  if (!uid.empty() && gone.error().code() == Errc::conflict) co_return Result<void>();
  co_return std::move(gone.error());
}

Task<Result<std::string>> Api::text(std::string path) {
  Call question{.path = std::move(path)};
  question.most_body = 256U << 10U;
  auto response = co_await call(std::move(question));
  if (!response) co_return std::move(response.error());
  co_return std::move(response->body);
}

Task<Result<std::unique_ptr<HttpStream>>> Api::watch(std::string path) {
  for (int tried = 1;; ++tried) {
    HttpRequest request;
    HttpStreamOptions options;
    request.url = credentials_.access().server + path;
    request.headers = {{"Accept", "application/json"}};
    request.timeout = std::chrono::milliseconds(0);
    options.idle_timeout = kSilence;
    auto known = co_await sign(request, options);
    if (!known) co_return std::move(known.error());
    auto stream = co_await http_.open(std::move(request), std::move(options));
    if (!stream || good((*stream)->status())) co_return stream;
    if ((*stream)->status() == kUnauthenticated && tried == 1 && renew()) continue;
    auto words = co_await (*stream)->next();
    co_return refusal((*stream)->status(), words ? *words : std::string());
  }
}

}  // namespace passerelle::spawners::kubernetes
