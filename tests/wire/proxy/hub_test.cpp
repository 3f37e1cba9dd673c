// Requests that the hub answers, at once, later, in parts or never.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(HubExchange, TheHubGetsTheWholeRequest) {
  Wire wire;
  wire.hub.answer_with([](HubRequest request, std::shared_ptr<HubReply> reply) {
    HubResponse response;
    response.status = 201;
    response.headers = {{"X-Cookies", std::string(request.header("cookie"))},
                        {"Connection", "close"}};
    response.body = request.method + " " + request.path + " " + request.query + " " + request.host +
                    " " + request.scheme + " " + request.peer + " " + request.body;
    reply->send(std::move(response));
  });
  Peer client = wire.client();
  for (int round = 0; round < 2; ++round) {
    client.send(
        "POST /hub/../hub/x?a=1&b HTTP/1.1\r\nHost: example.fr:80\r\nCookie: a=1\r\nCookie: b=2\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    const std::string head = client.read_head();
    EXPECT_THAT(head, StartsWith("HTTP/1.1 201 Created\r\n"));
    EXPECT_THAT(head, HasSubstr("X-Cookies: a=1; b=2\r\n"));
    EXPECT_THAT(head, HasSubstr("\r\nDate: "));
    EXPECT_THAT(head, Not(HasSubstr("Connection: close")));
    const std::string body = "POST /hub/x a=1&b example.fr:80 http 127.0.0.1 abcde";
    EXPECT_EQ(client.read_exactly(body.size()), body);
  }
}

TEST(HubExchange, AnAnswerFromAnotherThreadArrives) {
  Wire wire;
  std::vector<std::thread> threads;
  wire.hub.answer_with([&](HubRequest, std::shared_ptr<HubReply> reply) {
    threads.emplace_back([reply] { reply->send({200, {}, "later"}); });
  });
  EXPECT_THAT(wire.ask(get("/hub/", "Connection: close\r\n")), EndsWith("\r\n\r\nlater"));
  for (std::thread& thread : threads) thread.join();
}

TEST(HubExchange, AStreamIsFlushedPartByPart) {
  Wire wire;
  std::shared_ptr<HubReply> kept;
  std::atomic<bool> begun{false};
  wire.hub.answer_with([&](HubRequest, std::shared_ptr<HubReply> reply) {
    kept = std::move(reply);
    kept->begin({200, {{"Content-Type", "text/event-stream"}}, ""});
    begun = true;
  });
  Peer client = wire.client();
  client.send(get("/hub/events"));
  EXPECT_THAT(client.read_head(), HasSubstr("Transfer-Encoding: chunked\r\n"));
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  for (const std::string part : {"one", "two"}) {
    EXPECT_TRUE(kept->write(part));
    EXPECT_EQ(client.read_until(part + "\r\n"), "3\r\n" + part + "\r\n");
  }
  kept->finish();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
  client.send(get("/hub/events"));
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HubExchange, TheHubLearnsThatAStreamsClientLeft) {
  Wire wire;
  std::shared_ptr<HubReply> kept;
  std::atomic<bool> closed{false};
  wire.hub.answer_with([&](HubRequest, std::shared_ptr<HubReply> reply) {
    reply->on_close([&] { closed = true; });
    reply->begin({200, {}, ""});
    kept = std::move(reply);
  });
  Peer client = wire.client();
  client.send(get("/hub/events"));
  client.read_head();
  client.close();
  EXPECT_TRUE(eventually([&] { return closed.load(); }));
  EXPECT_FALSE(kept->write("nobody reads this"));
  kept->finish();
  EXPECT_TRUE(eventually([&] { return wire.proxy->counters().connections == 0; }));
}

TEST(HubExchange, AStreamThatIsNotReadIsBounded) {
  Wire wire;
  std::shared_ptr<HubReply> kept;
  std::atomic<bool> begun{false};
  wire.hub.answer_with([&](HubRequest, std::shared_ptr<HubReply> reply) {
    kept = std::move(reply);
    kept->begin({200, {}, ""});
    begun = true;
  });
  Peer client = wire.client();
  client.send(get("/hub/events"));
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  std::size_t taken = 0;
  const std::string part(64U << 10U, 'x');
  while (taken < (100U << 20U) && kept->write(part)) taken += part.size();
  EXPECT_LT(taken, 100U << 20U);
}

TEST(HubExchange, AReplyThatIsDroppedIs500) {
  Wire wire;
  wire.hub.answer_with([](HubRequest, std::shared_ptr<HubReply>) {});
  EXPECT_THAT(wire.ask(get("/hub/")), StartsWith("HTTP/1.1 500 "));
}

TEST(HubExchange, AStreamThatIsDroppedDoesNotLookWhole) {
  Wire wire;
  wire.hub.answer_with([](HubRequest, std::shared_ptr<HubReply> reply) {
    reply->begin({200, {}, ""});
    reply->write("half");
  });
  Peer client = wire.client();
  client.send(get("/hub/"));
  EXPECT_THAT(client.read_all(), Not(HasSubstr("0\r\n\r\n")));
  EXPECT_TRUE(client.was_reset());
}

TEST(HubExchange, ABodyBeyondTheGatesLimitIs413) {
  Wire wire;
  wire.gate.most_body = 4;
  const std::string head = "POST /hub/ HTTP/1.1\r\nHost: h\r\n";
  EXPECT_THAT(wire.ask(head + "Content-Length: 5\r\n\r\nabcde"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(wire.ask(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(wire.ask(head + "Connection: close\r\nContent-Length: 4\r\n\r\nabcd"),
              EndsWith("body=abcd"));
}

TEST(HubExchange, AVerdictThatWantsNoBodyEndsTheConnection) {
  Wire wire;
  wire.gate.most_body = 0;
  const std::string answer =
      wire.ask("POST /hub/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde");
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("body="));
}

TEST(HubExchange, Rule52ItIsToldToContinueItsBody) {
  Wire wire;
  Peer client = wire.client();
  client.send(
      "POST /hub/ HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_THAT(client.read_until("body=ok"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HubExchange, AFieldThatWouldSplitTheHeadIsLeftOut) {
  Wire wire;
  wire.hub.answer_with([](HubRequest, std::shared_ptr<HubReply> reply) {
    reply->send({302, {{"Location", "/x\r\nSet-Cookie: a=b"}, {"X-Fine", "yes"}}, ""});
  });
  const std::string answer = wire.ask(get("/hub/", "Connection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Fine: yes\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Set-Cookie")));
}

TEST(HubExchange, HeadGetsTheLengthAndNoBody) {
  Wire wire;
  wire.hub.answer_with(
      [](HubRequest, std::shared_ptr<HubReply> reply) { reply->send({200, {}, "12345"}); });
  const std::string answer =
      wire.ask("HEAD /hub/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

}  // namespace
}  // namespace passerelle::proxy::wire
