#include "base/http_client.hpp"

#include "base/http_transfer.hpp"

namespace passerelle {

HttpClient::HttpClient(asio::io_context& loop) : multi_(std::make_shared<CurlMulti>(loop)) {}
HttpClient::~HttpClient() = default;

Task<Result<HttpResponse>> HttpClient::fetch(HttpRequest request) {
  const auto executor = co_await asio::this_coro::executor;
  Transfer transfer(multi_, std::move(request), executor);
  if (Result<void> started = transfer.start(); !started) co_return std::move(started).error();
  boost::system::error_code woken;
  auto until_woken = asio::redirect_error(asio::use_awaitable, woken);
  co_await transfer.done().async_wait(until_woken);
  co_return transfer.outcome();
}

}  // namespace passerelle
