// Mistakes of the family (JupyterHub's and other gateways' proxies) that this one must not repeat,
// by their ids. Those about sessions, forms and scopes stand with the code they concern.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/proxy/peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kClose = "Connection: close\r\n";

struct Advisory : testing::Test {
  Upstream upstream{echo_heads()};
  Wire wire;
  void SetUp() override { wire.route(upstream); }
  std::string sent(const std::string& fields) { return wire.ask(get("/user/a/", fields + kClose)); }
};

// oauth2-proxy: servers that map "_" and "." to "-" took a client's X_Forwarded_User for the
// proxy's.
TEST_F(Advisory, CVE_2025_64484_NoNameCanBeTakenForAnother) {
  const std::string head = sent(
      "X_Forwarded_User: root\r\nX-Forwarded_User: root\r\nX.Forwarded.User: root\r\nx_real_ip: "
      "root\r\n"
      "X_FORWARDED_FOR: root\r\nRemote_User: root\r\nX-Forwarded-User: root\r\nX-Forwarded-Email: "
      "root\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(head, Not(HasSubstr("root")));
}

// oauth2-proxy (GHSA-7x63-xv5r-3p2x): a path that the client wrote into a header was believed. Here
// a header neither reaches a server nor changes where a request goes.
TEST_F(Advisory, CVE_2026_40575_NoHeaderSaysWhichPathIsMeant) {
  const std::string head = sent(
      "X-Forwarded-Uri: /user/b/secret\r\nX-Forwarded-Path: /user/b/secret\r\nX-Forwarded-Prefix: "
      "/user/b\r\n");
  EXPECT_THAT(head, HasSubstr("GET /user/a/ HTTP/1.1\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("secret")));
}

// Fabio: Connection named the proxy's own headers, which were then removed.
TEST_F(Advisory, CVE_2025_48865_ConnectionTakesNothingOfOursAway) {
  const std::string head = wire.ask(
      "GET /user/a/ HTTP/1.1\r\nHost: example.fr\r\nCookie: a=1\r\nOrigin: http://example.fr\r\n"
      "Connection: close, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Host, Cookie, "
      "Origin, Via\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("\r\nHost: example.fr\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Host: example.fr\r\n"));
  EXPECT_THAT(head, HasSubstr("Cookie: a=1\r\n"));
  EXPECT_THAT(head, HasSubstr("Origin: http://example.fr\r\n"));
  EXPECT_THAT(head, HasSubstr("Via: 1.1 passerelle"));
}

// JupyterHub: a neighbouring host tossed cookies. No server can set ours, nor any for its
// neighbours.
TEST_F(Advisory, CVE_2024_28233_NoServerTossesCookies) {
  Upstream tosser([](Peer& peer, int) {
    peer.read_head();
    peer.send(ok("",
                 "Set-Cookie: passerelle-session=evil\r\nSet-Cookie: "
                 "__Host-passerelle-session=evil; Path=/; Secure\r\n"
                 "Set-Cookie: mine=1; Domain=example.fr\r\n"));
  });
  wire.route(tosser, "/user/b/");
  const std::string head = wire.ask(get("/user/b/", kClose));
  EXPECT_THAT(head, HasSubstr("Set-Cookie: mine=1\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("evil")));
  EXPECT_THAT(head, Not(HasSubstr("Domain")));
}

// jupyter-server-proxy: the client chose the host that was asked. Here a route alone does.
TEST_F(Advisory, CVE_2022_21697_TheClientChoosesNoUpstream) {
  Upstream elsewhere(echo_heads());
  const std::string address = "127.0.0.1:" + std::to_string(elsewhere.address().port);
  for (const std::string& request :
       {"GET http://" + address + "/user/a/ HTTP/1.1\r\nHost: example.fr\r\n" + kClose + "\r\n",
        "GET /user/a/ HTTP/1.1\r\nHost: " + address + "\r\n" + kClose + "\r\n",
        "GET /user/a/@" + address + "/ HTTP/1.1\r\nHost: example.fr\r\n" + kClose + "\r\n"})
    EXPECT_THAT(wire.ask(request), StartsWith("HTTP/1.1 200 ")) << request;
  EXPECT_EQ(elsewhere.connections(), 0);
}

// jupyter-server-proxy: an error page showed what the client had written.
TEST_F(Advisory, CVE_2024_35225_ErrorsEchoNothing) {
  for (const char* request :
       {"GET /<script>alert(1)</script>\\ HTTP/1.1\r\nHost: example.fr\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: <script>\r\n\r\n", "GET / <script>\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n<script>: x\r\n\r\n",
        "<script> / HTTP/1.1\r\nHost: h\r\n\r\n"}) {
    const std::string answer = wire.ask(request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << request;
    EXPECT_THAT(
        answer,
        HasSubstr(
            "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("script"))) << request;
  }
}

// Tornado 6.2 is what reads behind us; older ones took these for something else
// (GHSA-qppv-j76h-2rpx: Python's int() read lengths and chunk sizes; GHSA-753j-mpmx-qq6g: two
// Transfer-Encoding were none).
TEST_F(Advisory, GHSA_qppv_j76h_2rpx_LengthsArePlainDigits) {
  const std::string head = "POST /user/a/ HTTP/1.1\r\nHost: h\r\n";
  for (const char* length : {"+5", "-5", "1_0", "0x5", "5 5", "\xd9\xa5"})
    EXPECT_THAT(wire.ask(head + "Content-Length: " + length + "\r\n\r\nhello"),
                StartsWith("HTTP/1.1 400 "))
        << length;
  for (const char* size : {"+5", "-5", "0_5", "0x5", " 5", "5 "})
    EXPECT_THAT(
        wire.ask(head + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\nhello\r\n0\r\n\r\n"),
        StartsWith("HTTP/1.1 400 "))
        << size;
}

TEST_F(Advisory, GHSA_753j_mpmx_qq6g_TwoCodingsAreRefused) {
  for (const char* second : {"chunked", "identity", "gzip"})
    EXPECT_THAT(wire.ask("POST /user/a/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                         "chunked\r\nTransfer-Encoding: " +
                         std::string(second) + "\r\n\r\n1\r\nZ\r\n0\r\n\r\n"),
                AnyOf(StartsWith("HTTP/1.1 400 "), StartsWith("HTTP/1.1 501 ")))
        << second;
  EXPECT_EQ(upstream.connections(), 0);
}

}  // namespace
}  // namespace passerelle::proxy::wire
