// The 33 cases that h1spec (uNetworking) asks of a server, asked of the proxy with an echoing
// server behind it: 15 beginnings that must be waited on, 18 whole requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::StartsWith;

/// Answers with the body that came, whatever the method.
Upstream::Script echo_bodies() {
  return [](Peer& peer, int) {
    for (std::string head = peer.read_head(); !head.empty(); head = peer.read_head()) {
      const std::size_t length = head.find("Content-Length: ");
      std::string body;
      if (length != std::string::npos)
        body = peer.read_exactly(std::stoul(head.substr(length + 16)));
      if (head.find("Transfer-Encoding: chunked") != std::string::npos) {
        const std::string coded = peer.read_until("0\r\n\r\n");
        body = coded.substr(coded.find("\r\n") + 2, coded.size() - coded.find("\r\n") - 9);
      }
      peer.send(ok(body));
    }
  };
}

TEST(H1Cases, ABeginningIsWaitedOn) {
  Upstream upstream(echo_bodies());
  Wire wire;
  wire.route(upstream, "/");
  const std::string whole = "GET /greeting HTTP/1.1\r\nHost: our.example\r\n\r\n";
  for (const std::string_view last :
       {"G", "GET ", "GET /greeting", "GET /greeting ", "GET /greeting HTTP",
        "GET /greeting HTTP/1.1", "1.1\r", "1.1\r\n", "\r\nHos", "Host:", "Host: ", "our.example",
        "our.example\r", "our.example\r\n", "our.example\r\n\r"}) {
    const std::size_t cut = whole.find(last) + last.size();
    Peer client = wire.client();
    client.send(whole.substr(0, cut));
    EXPECT_EQ(client.read_some(milliseconds(30)), "") << last;
    client.send(whole.substr(cut));
    EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200 ")) << last;
  }
}

struct Case {
  const char* what;
  std::string request;
  const char* status;  ///< What the answer begins with, behind "HTTP/1.1 ".
  const char* body = "";
};

std::string with(const std::string& lines,
                 const std::string& body = {},
                 const char* method = "GET") {
  return std::string(method) + " / HTTP/1.1\r\nHost: our.example\r\n" + lines + "\r\n" + body;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"no version", "GET / \r\n\r\n", "400"},
      {"an expectation", with("Expect: 100-continue\r\n"), "200"},
      {"a plain GET", with(""), "200"},
      {"odd blanks and an empty value", "GET / HTTP/1.1\r\nhOst:\tour.example\r\nnothing:\r\n\r\n",
       "200"},
      {"brackets in a name", with("X-Odd[]: 1\r\n"), "400"},
      {"no Host", "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "400"},
      {"two Hosts", with("Host: their.example\r\n"), "400"},
      {"a huge negative length", with("Content-Length: -98765432109876543210987654\r\n"), "400"},
      {"a negative length", with("Content-Length: -4321\r\n"), "400"},
      {"a length of letters", with("Content-Length: xyz\r\n"), "400"},
      {"a blank value", with("X-Blank: \r\n"), "200"},
      {"a control character", with("X-Bell: ring\x07\r\n"), "400"},
      {"version 9.9", "GET / HTTP/9.9\r\nHost: our.example\r\n\r\n", "505"},
      {"words before the method", "Some words" + with(""), "400"},
      {"a CR where the head ends", with("\rX-Late: 1\r\n"), "400"},
      {"a body by length", with("Content-Length: 5\r\n", "salut", "POST"), "200", "salut"},
      {"a body by chunks",
       with("Transfer-Encoding: chunked\r\n", "c\r\nGood morning\r\n0\r\n\r\n", "POST"), "200",
       "Good morning"},
      {"both",
       with("content-lengTH: 5\r\nTransFER-encoding: chunked\r\n", "c\r\nGood morning\r\n0\r\n\r\n",
            "POST"),
       "400"},
  };
  return all;
}

TEST(H1Cases, WholeRequestsAreServedOrRefused) {
  Upstream upstream(echo_bodies());
  Wire wire;
  wire.route(upstream, "/");
  ASSERT_EQ(cases().size(), 18U);
  for (const Case& each : cases()) {
    Peer client = wire.client();
    client.send(each.request);
    EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 " + std::string(each.status) + " "))
        << each.what;
    EXPECT_EQ(client.read_exactly(std::string(each.body).size()), each.body) << each.what;
  }
}

}  // namespace
}  // namespace passerelle::proxy::wire
