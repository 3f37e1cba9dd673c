// What crosses the proxy in a plain exchange: heads both ways, routes, the pool. Numbers are those
// that docs/development.md tells of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Forward, AGetReachesTheUpstreamAndItsAnswerTheClient) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream);
  const std::string answer =
      wire.ask(get("/user/a/tree?x=1&y=%20", "Accept: */*\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("GET /user/a/tree?x=1&y=%20 HTTP/1.1\r\n"));
  EXPECT_THAT(answer, HasSubstr("Host: example.fr\r\n"));
  EXPECT_THAT(answer, HasSubstr("Accept: */*\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
}

TEST(Forward, AUnixSocketIsAnUpstreamToo) {
  Upstream upstream(echo_heads(), Upstream::Kind::unix_socket);
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  for (int round = 0; round < 3; ++round) {
    client.send(get("/user/a/"));
    EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(client.read_head(), StartsWith("GET /user/a/ HTTP/1.1\r\n"));
  }
  EXPECT_EQ(upstream.connections(), 1);
}

TEST(Forward, TheRoutesOwnFieldsReplaceTheClients) {
  Upstream upstream(echo_heads());
  Wire wire;
  auto route = std::make_shared<Route>();
  route->prefix = "/user/a/";
  route->upstream = upstream.address();
  route->set_headers = {{"Authorization", "token the-servers-own"}};
  wire.gate.routes.add(route);
  const std::string answer =
      wire.ask(get("/user/a/", "Authorization: Bearer the-clients\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("Authorization: token the-servers-own\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("the-clients")));
}

TEST(Forward, OurOwnCookiesStayWithUs) {
  Upstream upstream([](Peer& peer, int) {
    const std::string head = peer.read_head();
    peer.send(ok(head, "Set-Cookie: passerelle-session=stolen\r\nSet-Cookie: theirs=1\r\n"));
  });
  Wire wire;
  wire.route(upstream);
  const std::string answer = wire.ask(
      get("/user/a/", "Cookie: a=1; passerelle-session=secret; b=2\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("Cookie: a=1; b=2\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
  EXPECT_THAT(answer, Not(HasSubstr("stolen")));
  EXPECT_THAT(answer, HasSubstr("Set-Cookie: theirs=1\r\n"));
}

TEST(Forward, Rule44PipelinedRequestsAreAnsweredInOrder) {
  Upstream upstream(echo_heads());
  Wire wire;
  wire.route(upstream);
  Peer client = wire.client();
  std::string requests;
  for (int number = 0; number < 20; ++number) requests += get("/user/a/" + std::to_string(number));
  client.send(requests);
  for (int number = 0; number < 20; ++number) {
    EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(client.read_head(),
                StartsWith("GET /user/a/" + std::to_string(number) + " HTTP/1.1\r\n"));
  }
  EXPECT_EQ(upstream.connections(), 1);
}

}  // namespace
}  // namespace passerelle::proxy::wire
