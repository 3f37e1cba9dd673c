#include "base/http_stream.hpp"

#include "base/http_transfer.hpp"

namespace passerelle {
namespace {

Task<void> until_woken(Transfer& transfer) {
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await transfer.done().async_wait(token);
}

Task<bool> cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace

HttpStream::HttpStream(std::unique_ptr<Transfer> transfer, HttpResponse head)
    : transfer_(std::move(transfer)), head_(std::move(head)) {}

HttpStream::~HttpStream() = default;

Task<Result<std::string>> HttpStream::next() {
  while (!transfer_->has_body() && !transfer_->ended()) {
    co_await until_woken(*transfer_);
    const bool given_up = co_await cancelled();
    if (given_up) co_return Error(Errc::cancelled, "the request was cancelled");
  }
  if (transfer_->has_body()) co_return transfer_->take_body();
  const auto end = transfer_->end_of_stream();
  if (!end) co_return end.error();
  co_return std::string();
}

HttpStreams::HttpStreams(asio::io_context& loop) : multi_(std::make_shared<CurlMulti>(loop)) {}
HttpStreams::~HttpStreams() = default;

Task<Result<std::unique_ptr<HttpStream>>> HttpStreams::open(HttpRequest request,
                                                            HttpStreamOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  auto transfer = std::make_unique<Transfer>(multi_, std::move(request), executor);
  transfer->stream(options);
  if (Result<void> started = transfer->start(); !started) co_return std::move(started).error();
  while (!transfer->has_head() && !transfer->ended()) {
    co_await until_woken(*transfer);
    const bool given_up = co_await cancelled();
    if (given_up) co_return Error(Errc::cancelled, "the request was cancelled");
  }
  if (!transfer->has_head()) {
    const auto end = transfer->end_of_stream();
    if (!end) co_return end.error();
  }
  HttpResponse head = transfer->head();
  co_return std::make_unique<HttpStream>(std::move(transfer), std::move(head));
}

Task<Result<HttpResponse>> HttpStreams::fetch(HttpRequest request, HttpStreamOptions options) {
  const std::size_t most = request.most_body;
  auto opened = co_await open(std::move(request), std::move(options));
  if (!opened) co_return std::move(opened).error();
  const std::unique_ptr<HttpStream> stream = std::move(*opened);
  HttpResponse response = stream->head();
  for (;;) {
    auto piece = co_await stream->next();
    if (!piece) co_return std::move(piece).error();
    if (piece->empty()) co_return response;
    if (piece->size() > most - response.body.size())
      co_return Error(Errc::exhausted, "the response is larger than it may be");
    response.body += *piece;
  }
}

}  // namespace passerelle
