// HttpStreams against a server in the same loop that sends what a test tells it, when it tells it.
#include "base/http_stream.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

namespace passerelle {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

constexpr const char* kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(const std::string& bytes) {
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

class HttpStreamTest : public testing::Test {
 public:
  void run(Task<void> test) {
    std::exception_ptr thrown;
    bool finished = false;
    asio::co_spawn(loop_, std::move(test), [&](std::exception_ptr error) {
      thrown = error;
      finished = true;
      loop_.stop();
    });
    loop_.run_for(20s);
    EXPECT_TRUE(finished);
    if (thrown) std::rethrow_exception(thrown);
  }
  HttpRequest request() const {
    HttpRequest made;
    made.url = "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/watch";
    made.timeout = 0ms;
    return made;
  }
  Task<tcp::socket> accepted() {
    auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
    asio::streambuf head;
    co_await asio::async_read_until(socket, head, "\r\n\r\n", asio::use_awaitable);
    co_return socket;
  }
  static Task<void> send(tcp::socket& socket, std::string bytes) {
    auto buffer = asio::buffer(bytes);
    co_await asio::async_write(socket, buffer, asio::use_awaitable);
  }

  asio::io_context loop_;
  tcp::acceptor acceptor_{loop_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  HttpStreams streams_{loop_};
};

TEST_F(HttpStreamTest, EachPieceIsThereBeforeTheNextIsSent) {
  const auto serve = [](HttpStreamTest* test, tcp::socket* kept) -> Task<void> {
    *kept = co_await test->accepted();
    co_await send(*kept, kChunked + chunk("one\n"));
  };
  const auto check = [&](HttpStreamTest* test) -> Task<void> {
    tcp::socket socket(test->loop_);
    asio::co_spawn(test->loop_, serve(test, &socket), asio::detached);
    auto opened = co_await test->streams_.open(test->request(), HttpStreamOptions());
    EXPECT_TRUE(opened) << opened.error().message();
    EXPECT_EQ((*opened)->status(), 200);
    auto piece = co_await (*opened)->next();
    EXPECT_EQ(*piece, "one\n");
    co_await send(socket, chunk("two\n"));
    auto second = co_await (*opened)->next();
    EXPECT_EQ(*second, "two\n");
    co_await send(socket, "0\r\n\r\n");
    auto end = co_await (*opened)->next();
    EXPECT_TRUE(end && end->empty());
  };
  run(check(this));
}

TEST_F(HttpStreamTest, AConnectionThatBreaksIsNoEnd) {
  const auto serve = [](HttpStreamTest* test) -> Task<void> {
    auto socket = co_await test->accepted();
    co_await send(socket, kChunked + chunk("one\n"));
  };
  const auto check = [&](HttpStreamTest* test) -> Task<void> {
    asio::co_spawn(test->loop_, serve(test), asio::detached);
    auto opened = co_await test->streams_.open(test->request(), HttpStreamOptions());
    auto piece = co_await (*opened)->next();
    EXPECT_EQ(*piece, "one\n");
    auto end = co_await (*opened)->next();
    EXPECT_FALSE(end);
    EXPECT_EQ(end.error().code(), Errc::unavailable);
  };
  run(check(this));
}

TEST_F(HttpStreamTest, SilenceIsBroken) {
  const auto serve = [](HttpStreamTest* test, tcp::socket* kept) -> Task<void> {
    *kept = co_await test->accepted();
    co_await send(*kept, kChunked + chunk("one\n"));
  };
  const auto check = [&](HttpStreamTest* test) -> Task<void> {
    tcp::socket socket(test->loop_);
    asio::co_spawn(test->loop_, serve(test, &socket), asio::detached);
    HttpStreamOptions options;
    options.idle_timeout = 1s;
    auto opened = co_await test->streams_.open(test->request(), options);
    auto piece = co_await (*opened)->next();
    EXPECT_EQ(*piece, "one\n");
    auto end = co_await (*opened)->next();
    EXPECT_FALSE(end);
    EXPECT_EQ(end.error().code(), Errc::timeout);
  };
  run(check(this));
}

TEST_F(HttpStreamTest, ASenderWaitsForWhoDoesNotRead) {
  constexpr std::size_t kAll = 8U << 20U;
  std::size_t sent = 0;
  const auto serve = [&sent](HttpStreamTest* test) -> Task<void> {
    auto socket = co_await test->accepted();
    co_await send(socket, kChunked);
    const std::string piece = chunk(std::string(16U << 10U, 'x'));
    while (sent < kAll) {
      co_await send(socket, piece);
      sent += 16U << 10U;
    }
    co_await send(socket, "0\r\n\r\n");
  };
  const auto check = [&](HttpStreamTest* test) -> Task<void> {
    asio::co_spawn(test->loop_, serve(test), asio::detached);
    auto opened = co_await test->streams_.open(test->request(), HttpStreamOptions());
    co_await sleep_for(300ms);  // long enough to send all of it, if it could
    EXPECT_LT(sent, kAll);
    std::size_t read = 0;
    for (;;) {
      auto piece = co_await (*opened)->next();
      EXPECT_TRUE(piece);
      if (!piece || piece->empty()) break;
      EXPECT_LT(piece->size(), 1U << 20U);
      read += piece->size();
    }
    EXPECT_EQ(read, kAll);
  };
  run(check(this));
}

TEST_F(HttpStreamTest, AWholeAnswerHasALimit) {
  const auto serve = [](HttpStreamTest* test) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      auto socket = co_await test->accepted();
      co_await send(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello");
    }
  };
  const auto check = [&](HttpStreamTest* test) -> Task<void> {
    asio::co_spawn(test->loop_, serve(test), asio::detached);
    HttpRequest request = test->request();
    request.most_body = 5;
    auto whole = co_await test->streams_.fetch(request, HttpStreamOptions());
    EXPECT_TRUE(whole);
    EXPECT_EQ(whole->status, 404);
    EXPECT_EQ(whole->body, "hello");
    request.most_body = 4;
    auto refused = co_await test->streams_.fetch(request, HttpStreamOptions());
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::exhausted);
  };
  run(check(this));
}

}  // namespace
}  // namespace passerelle
