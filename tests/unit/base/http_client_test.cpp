// HttpClient against a server in the same loop that answers with the bytes a test gives it.
#include "base/http_client.hpp"

#include <cstdlib>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffers_iterator.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace passerelle {
namespace {

using namespace std::chrono_literals;
using Socket = asio::generic::stream_protocol::socket;

/// Answers each request with `reply` (nothing: it stays silent until the client hangs up) and keeps
/// what it was asked.
class Server {
 public:
  explicit Server(asio::io_context& loop) : loop_(loop) {}

  Upstream listen_tcp() {
    auto acceptor = std::make_shared<asio::ip::tcp::acceptor>(
        loop_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const Upstream address{Upstream::Kind::tcp, "127.0.0.1", acceptor->local_endpoint().port(), ""};
    close_ = [acceptor] { acceptor->close(); };
    asio::co_spawn(loop_, accept_all(acceptor), asio::detached);
    return address;
  }
  Upstream listen_unix(const std::string& path) {
    ::unlink(path.c_str());
    auto acceptor = std::make_shared<asio::local::stream_protocol::acceptor>(
        loop_, asio::local::stream_protocol::endpoint(path));
    close_ = [acceptor] { acceptor->close(); };
    asio::co_spawn(loop_, accept_all(acceptor), asio::detached);
    return Upstream{Upstream::Kind::unix_socket, "", 0, path};
  }
  void close() { close_(); }

  std::string reply =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Twice: a\r\nx-twice: b\r\n\r\nhello";
  std::vector<std::string> asked;  ///< Heads with bodies, as they came.
  int accepted = 0;
  int hung_up = 0;
  std::function<void()> on_asked = [] {};

 private:
  template <class Acceptor>
  Task<void> accept_all(std::shared_ptr<Acceptor> acceptor) {
    for (;;) {
      boost::system::error_code error;
      auto token = asio::redirect_error(asio::use_awaitable, error);
      auto socket = co_await acceptor->async_accept(token);
      if (error) co_return;
      ++accepted;
      asio::co_spawn(loop_, serve(Socket(std::move(socket))), asio::detached);
    }
  }

  Task<void> serve(Socket socket) {
    asio::streambuf buffer;
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    for (;;) {
      const std::size_t head = co_await asio::async_read_until(socket, buffer, "\r\n\r\n", token);
      if (error) break;
      std::string request(asio::buffers_begin(buffer.data()),
                          asio::buffers_begin(buffer.data()) + static_cast<long>(head));
      buffer.consume(head);
      const std::size_t length = content_length(request);
      if (length > buffer.size()) {
        const auto missing = asio::transfer_exactly(length - buffer.size());
        co_await asio::async_read(socket, buffer, missing, token);
      }
      request.append(asio::buffers_begin(buffer.data()),
                     asio::buffers_begin(buffer.data()) + static_cast<long>(length));
      buffer.consume(length);
      asked.push_back(std::move(request));
      on_asked();
      if (!reply.empty()) co_await asio::async_write(socket, asio::buffer(reply), token);
    }
    ++hung_up;
  }

  static std::size_t content_length(const std::string& head) {
    const std::size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
  }

  asio::io_context& loop_;
  std::function<void()> close_ = [] {};
};

class HttpClientTest : public testing::Test {
 protected:
  Result<HttpResponse> fetch(HttpRequest request) {
    Result<HttpResponse> result;
    asio::co_spawn(loop, client.fetch(std::move(request)),
                   [&](std::exception_ptr thrown, Result<HttpResponse> answer) {
                     EXPECT_FALSE(thrown);
                     result = std::move(answer);
                     loop.stop();
                   });
    loop.restart();
    loop.run();
    return result;
  }
  HttpRequest request_to(const Upstream& upstream) {
    HttpRequest request;
    request.url = "http://notebook.example/user/alice/?a=b";
    request.connect_to = upstream;
    return request;
  }
  /// Runs the loop until `done`, or fails after five seconds.
  void run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 5s;
    loop.restart();
    while (!done() && std::chrono::steady_clock::now() < end) loop.run_one_for(100ms);
    EXPECT_TRUE(done());
  }

  asio::io_context loop;
  HttpClient client{loop};
  Server server{loop};
};

TEST_F(HttpClientTest, GetsOverTcpWithTheUrlsOwnHost) {
  const auto answer = fetch(request_to(server.listen_tcp()));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello");
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"content-length", "5"}, {"x-twice", "a"}, {"x-twice", "b"}};
  EXPECT_EQ(answer->headers, headers);
  ASSERT_EQ(server.asked.size(), 1U);
  EXPECT_TRUE(
      server.asked[0].starts_with("GET /user/alice/?a=b HTTP/1.1\r\nHost: notebook.example\r\n"));
}

TEST_F(HttpClientTest, GetsOverAUnixSocket) {
  const std::string path =
      testing::TempDir() + "http_client_" + std::to_string(::getpid()) + ".sock";
  const auto answer = fetch(request_to(server.listen_unix(path)));
  ::unlink(path.c_str());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, "hello");
}

TEST_F(HttpClientTest, SendsMethodHeadersAndBodyAsGiven) {
  HttpRequest request = request_to(server.listen_tcp());
  request.method = "PUT";
  request.headers = {
      {"Content-Type", "application/json"}, {"Authorization", "token x"}, {"X-Empty", ""}};
  const std::string body("{\"a\":1}\0z", 9);
  request.body = body;
  ASSERT_TRUE(fetch(request));
  request.method = "POST";
  request.headers.clear();
  request.body.clear();
  ASSERT_TRUE(fetch(request));
  ASSERT_EQ(server.asked.size(), 2U);
  const std::string& put = server.asked[0];
  EXPECT_TRUE(put.starts_with("PUT /"));
  EXPECT_NE(put.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(put.find("\r\nAuthorization: token x\r\n"), std::string::npos);
  EXPECT_NE(put.find("\r\nX-Empty:"), std::string::npos);
  EXPECT_TRUE(put.ends_with("\r\n\r\n" + body));
  EXPECT_NE(server.asked[1].find("\r\nContent-Length: 0\r\n"), std::string::npos);
  EXPECT_EQ(server.asked[1].find("Content-Type"), std::string::npos);
}

TEST_F(HttpClientTest, KeepsTheConnectionForTheNextRequest) {
  const HttpRequest request = request_to(server.listen_tcp());
  ASSERT_TRUE(fetch(request));
  ASSERT_TRUE(fetch(request));
  EXPECT_EQ(server.accepted, 1);
}

TEST_F(HttpClientTest, DoesNotFollowRedirectsAndTakesEveryStatus) {
  server.reply =
      "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n";
  const auto answer = fetch(request_to(server.listen_tcp()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(server.asked.size(), 1U);
}

TEST_F(HttpClientTest, OnlyTheFinalResponsesHeadersCount) {
  server.reply =
      "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 204 No Content\r\nX-Late: 1\r\n\r\n";
  const auto answer = fetch(request_to(server.listen_tcp()));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 204);
  ASSERT_EQ(answer->headers.size(), 1U);
  EXPECT_EQ(answer->headers[0].first, "x-late");
}

TEST_F(HttpClientTest, RefusesBodiesAndHeadersAboveTheLimit) {
  HttpRequest request = request_to(server.listen_tcp());
  request.most_body = 5;
  EXPECT_TRUE(fetch(request));
  request.most_body = 4;
  const auto body = fetch(request);
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().code(), Errc::exhausted);
  server.reply = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10; ++i) server.reply += "X-Long: " + std::string(30'000, 'x') + "\r\n";
  server.reply += "Content-Length: 0\r\n\r\n";
  const auto headers = fetch(request);
  ASSERT_FALSE(headers);
  EXPECT_EQ(headers.error().code(), Errc::exhausted);
}

TEST_F(HttpClientTest, RefusesWhatCannotBeSent) {
  const HttpRequest good = request_to(server.listen_tcp());
  std::vector<HttpRequest> bad(5, good);
  bad[0].method = "GET / HTTP/1.1\r\nX: y\r\n";
  bad[1].headers = {{"X", "a\r\nY: b"}};
  bad[2].headers = {{"X:", "a"}};
  bad[3].url = "file:///etc/passwd";
  bad[4].url = "http://";
  for (const HttpRequest& request : bad) {
    const auto answer = fetch(request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), Errc::invalid) << answer.error().message();
  }
  EXPECT_EQ(server.accepted, 0);
}

TEST_F(HttpClientTest, NobodyThereIsUnavailable) {
  const Upstream address = server.listen_tcp();
  server.close();
  const auto answer = fetch(request_to(address));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::unavailable);
  EXPECT_NE(answer.error().message().find("connect"), std::string::npos)
      << answer.error().message();
}

TEST_F(HttpClientTest, SilenceIsATimeout) {
  server.reply.clear();
  HttpRequest request = request_to(server.listen_tcp());
  request.timeout = 50ms;
  const auto answer = fetch(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::timeout);
}

TEST_F(HttpClientTest, CancellingDropsTheConnectionAtOnce) {
  server.reply.clear();
  asio::cancellation_signal cancel;
  bool ended = false;
  server.on_asked = [&] { cancel.emit(asio::cancellation_type::terminal); };
  asio::co_spawn(loop, client.fetch(request_to(server.listen_tcp())),
                 asio::bind_cancellation_slot(cancel.slot(),
                                              [&](std::exception_ptr, Result<HttpResponse> answer) {
                                                EXPECT_FALSE(answer);
                                                ended = true;
                                              }));
  run_until([&] { return ended && server.hung_up == 1; });
}

TEST_F(HttpClientTest, WithTimeoutEndsTheRequest) {
  server.reply.clear();
  Result<HttpResponse> result;
  bool ended = false;
  auto limited = with_timeout(client.fetch(request_to(server.listen_tcp())), 50ms, "asking");
  asio::co_spawn(loop, std::move(limited), [&](std::exception_ptr, Result<HttpResponse> answer) {
    result = std::move(answer);
    ended = true;
  });
  run_until([&] { return ended && server.hung_up == 1; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::timeout);
  EXPECT_EQ(result.error().message(), "asking took too long");
}

TEST_F(HttpClientTest, ManyAtOnceUpToTheLimit) {
  const HttpRequest request = request_to(server.listen_tcp());
  int good = 0;
  int exhausted = 0;
  for (int i = 0; i < 1030; ++i)
    asio::co_spawn(loop, client.fetch(request),
                   [&](std::exception_ptr, Result<HttpResponse> answer) {
                     if (answer)
                       ++good;
                     else if (answer.error().code() == Errc::exhausted)
                       ++exhausted;
                   });
  run_until([&] { return good + exhausted == 1030; });
  EXPECT_EQ(good, 1024);
}

TEST(HttpClient, OutlivedByItsRequests) {
  asio::io_context loop;
  Server server(loop);
  HttpRequest request;
  request.url = "http://x.example/";
  request.connect_to = server.listen_tcp();
  auto client = std::make_unique<HttpClient>(loop);
  bool good = false;
  server.on_asked = [&] { client.reset(); };
  asio::co_spawn(loop, client->fetch(request),
                 [&](std::exception_ptr, Result<HttpResponse> answer) {
                   good = answer.has_value();
                   server.close();
                 });
  loop.run();
  EXPECT_TRUE(good);
}

TEST(HttpClient, ALoopThatEndsUnderItFreesEverything) {
  auto loop = std::make_unique<asio::io_context>();
  Server server(*loop);
  server.reply.clear();
  server.on_asked = [&] { loop->stop(); };
  HttpRequest request;
  request.url = "http://x.example/";
  request.connect_to = server.listen_tcp();
  auto client = std::make_unique<HttpClient>(*loop);
  bool called = false;
  asio::co_spawn(*loop, client->fetch(request),
                 [&](std::exception_ptr, Result<HttpResponse>) { called = true; });
  loop->run();
  client.reset();
  server.close();
  loop.reset();  // destroys the frames that still wait
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace passerelle
