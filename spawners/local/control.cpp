#include "spawners/local/control.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace passerelle::spawners::local {
namespace {

constexpr std::size_t kLongestLine = 1U << 20U;

Error failed(const boost::system::error_code& error) {
  if (error == asio::error::operation_aborted) return Error(Errc::cancelled, "cancelled");
  return Error(Errc::unavailable, "supervisor: " + error.message());
}

}  // namespace

Result<void> Line::adopt(Descriptor socket) {
  boost::system::error_code error;
  socket_.assign(asio::local::stream_protocol(), socket.get(), error);
  if (error) return failed(error);
  (void)socket.release();
  return {};
}

Task<Result<void>> Line::connect(std::string path) {
  boost::system::error_code error;
  const asio::local::stream_protocol::endpoint endpoint(path);
  co_await socket_.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return failed(error);
  co_return Result<void>();
}

Task<Result<void>> Line::send(std::string text) {
  text += '\n';
  boost::system::error_code error;
  const auto bytes = asio::buffer(text);
  co_await asio::async_write(socket_, bytes, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return failed(error);
  co_return Result<void>();
}

Task<Result<nlohmann::json>> Line::next() {
  boost::system::error_code error;
  auto into = asio::dynamic_buffer(buffer_, kLongestLine);
  const std::size_t length = co_await asio::async_read_until(
      socket_, into, '\n', asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return failed(error);
  auto value = nlohmann::json::parse(buffer_.substr(0, length), nullptr, false);
  buffer_.erase(0, length);
  if (!value.is_object()) co_return Error(Errc::invalid, "the supervisor sent no JSON object");
  co_return value;
}

Task<Result<nlohmann::json>> ask(std::string path, nlohmann::json request) {
  const auto executor = co_await asio::this_coro::executor;
  Line line(executor);
  const auto connected = co_await line.connect(std::move(path));
  if (!connected) co_return connected.error();
  const auto sent = co_await line.send(request.dump());
  if (!sent) co_return sent.error();
  auto answer = co_await line.next();
  co_return answer;
}

}  // namespace passerelle::spawners::local
