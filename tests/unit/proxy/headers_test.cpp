// What crosses the proxy in either direction, byte for byte. Numbers are the list's.
#include "proxy/headers.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/proxy/head_text.hpp"

namespace passerelle::proxy {
namespace {

using Set = std::vector<std::pair<std::string, std::string>>;
constexpr std::array<std::string_view, 2> kOurs = {"passerelle-", "__Host-passerelle-"};
constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

/// Our lines about the client, as they stand in every request that goes up.
std::string about_client(const std::string& host = "h") {
  return "Host: " + host +
         "\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: https\nX-Forwarded-Host: " + host +
         "\nX-Forwarded-Port: 443\n";
}

std::string up(std::string_view request, const Set& set = {}, bool drop_expect = false) {
  const RequestText text(crlf(request));
  EXPECT_TRUE(text.complete()) << request << text.scan.reason;
  const Client client{"192.0.2.1", "https", text.head.host(), "443"};
  const ToUpstream wish{client, set, kOurs, drop_expect};
  std::string out(kMostHead + 4096, '\0');
  out.resize(build_upstream_head(text.head, wish, out));
  return out;
}

std::string get_with(std::string_view lines) {
  return "GET / HTTP/1.1\nHost: h\n" + std::string(lines) + "\n";
}

/// What becomes of these lines, without the ones that are always ours.
std::string passes(std::string_view lines, const Set& set = {}) {
  const std::string out = up(get_with(lines), set);
  const std::string start = crlf("GET / HTTP/1.1\n" + about_client());
  EXPECT_TRUE(out.starts_with(start)) << out;
  EXPECT_TRUE(out.ends_with("\r\n\r\n")) << out;
  return out.substr(start.size(), out.size() - start.size() - 2);
}

TEST(ToUpstream, r33_passes_other_fields_in_order_and_case) {
  EXPECT_EQ(passes("aCCept:   */*\nX-b: 1\nX-B: 2\n"), "aCCept: */*\r\nX-b: 1\r\nX-B: 2\r\n");
}

TEST(ToUpstream, r33_keeps_tidy_and_untidy_lines_in_order) {
  EXPECT_EQ(passes("A: 1\nB: 2\nC:3\nTE: gzip\nD: 4\nE:  5\nF: 6\t\nG: 7\nA_b: 8\nH: \nI:\nJ: 9\n"),
            "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\nH: \r\nI: \r\nJ: 9\r\n");
}

// oauth2-proxy CVE-2025-64484: fields that only a web server in front may send reach no server, in
// no spelling; Fabio CVE-2025-48865: nor does naming them in Connection make a difference.
TEST(ToUpstream, Cve2025_64484_StrippedFieldsGoInAllSpellings) {
  const RequestText text(
      crlf("GET / HTTP/1.1\nHost: h\nConnection: X-Remote-User\nx-remote-USER: root\nA: 1\n"
           "X_Remote_User: root\nX.Remote-User: root\nX-Remote-Users: 2\nX-Remote-User:root\n\n"));
  const std::array<std::string, 2> stripped = {"X-Remote-User", "X-Groups"};
  ToUpstream wish{Client{"192.0.2.1", "https", text.head.host(), "443"}, {}, kOurs};
  wish.stripped = stripped;
  std::string out(kMostHead + 4096, '\0');
  out.resize(build_upstream_head(text.head, wish, out));
  EXPECT_EQ(out, crlf("GET / HTTP/1.1\n" + about_client() + "A: 1\nX-Remote-Users: 2\n\n"));
}

TEST(ToUpstream, r08_names_the_host_that_was_meant) {
  EXPECT_EQ(up("GET http://o/x HTTP/1.1\nHost: h\n\n"),
            crlf("GET /x HTTP/1.1\n" + about_client("o") + "\n"));
}

TEST(ToUpstream, r32_joins_cookies_and_keeps_ours_back) {
  EXPECT_EQ(passes("Cookie: a=b;c=d\nX: y\nCookie: e=\"f g\"\n"),
            "X: y\r\nCookie: a=b; c=d; e=\"f g\"\r\n");
  EXPECT_EQ(passes("Cookie: a=b; passerelle-session=s; c=d\n"), "Cookie: a=b; c=d\r\n");
  EXPECT_EQ(passes("Cookie: __Host-passerelle-session=s; =passerelle-x=y; passerelle-z\n"), "");
  EXPECT_EQ(passes("Cookie: ;; ;\n"), "");
}

TEST(ToUpstream, keeps_credentials_back_and_sets_its_own) {
  const Set set = {{"Authorization", "token server"}, {"X-User", "alice"}};
  EXPECT_EQ(passes("Authorization: Bearer mine\n"), "");
  EXPECT_EQ(passes("Authorization: Bearer mine\nx-user: root\n", set),
            "Authorization: token server\r\nX-User: alice\r\n");
  EXPECT_EQ(passes("Cookie: a=b\n", {{"cookie", "c=d"}}), "cookie: c=d\r\n");
}

TEST(ToUpstream, r46_removes_what_connection_names_but_nothing_that_protects) {
  EXPECT_EQ(passes("Connection: close, X-Hop, foo\nX-Hop: 1\nfOO: 2\nBar: 3\n"), "Bar: 3\r\n");
  EXPECT_EQ(passes("Connection: cookie, host, origin, x-forwarded-for, sec-fetch-site\nCookie: "
                   "a=b\nOrigin: o\n"
                   "Sec-Fetch-Site: none\n"),
            "Origin: o\r\nSec-Fetch-Site: none\r\nCookie: a=b\r\n");
  EXPECT_EQ(passes("Connection: x-user\nX-User: root\n", {{"X-User", "alice"}}),
            "X-User: alice\r\n");
}

TEST(ToUpstream, r47_drops_what_belongs_to_the_connection) {
  EXPECT_EQ(
      passes("Keep-Alive: 1\nProxy-Connection: a\nProxy-Authorization: b\nTE: deflate\nTrailer: X\n"
             "Upgrade: h2c\nConnection: Upgrade, HTTP2-Settings\nHTTP2-Settings: AA\n"),
      "");
}

TEST(ToUpstream, r49_believes_no_word_about_the_client) {
  EXPECT_EQ(
      passes(
          "Forwarded: for=1\nX-Forwarded-For: 1\nX-FORWARDED-PROTO: http\nX-Forwarded-Host: evil\n"
          "X-Forwarded-Port: 1\nX-Forwarded-Prefix: /x\nX-Forwarded-User: root\nX-Real-IP: "
          "1\nX-Scheme: x\n"
          "X_Forwarded_User: root\n"),
      "");
}

TEST(ToUpstream, r48_adds_itself_behind_those_who_passed_it_on) {
  const RequestText text(crlf(get_with("Via: 1.0 fred, 1.1 p.example\n")));
  ToUpstream wish{{"192.0.2.1", "https", "h", "443"}, {}, kOurs};
  wish.via = "Via: 1.1 us\r\n";
  std::string out(kMostHead, '\0');
  out.resize(build_upstream_head(text.head, wish, out));
  EXPECT_NE(out.find("Via: 1.0 fred, 1.1 p.example\r\nVia: 1.1 us\r\n"), std::string::npos) << out;
}

TEST(ToUpstream, r50_counts_the_hops_of_options) {
  const std::string options = "OPTIONS / HTTP/1.1\nHost: h\nMax-Forwards: ";
  EXPECT_NE(up(options + "10\n\n").find("Max-Forwards: 9\r\n"), std::string::npos);
  EXPECT_NE(up(options + "999999999\n\n").find("Max-Forwards: 999999998\r\n"), std::string::npos);
  EXPECT_EQ(passes("Max-Forwards: 10\n"), "Max-Forwards: 10\r\n");  // means nothing to GET
}

TEST(ToUpstream, r42_asks_for_trailers_when_the_client_takes_them) {
  EXPECT_EQ(passes("Connection: TE\nTE: trailers\n"), "Connection: TE\r\nTE: trailers\r\n");
  EXPECT_EQ(passes("Connection: TE\nTE: gzip;q=1, trailers\n"),
            "Connection: TE\r\nTE: trailers\r\n");
  EXPECT_EQ(passes("Connection: TE\nTE: gzip\n"), "");
}

TEST(ToUpstream, r45_frames_the_body_as_it_came) {
  EXPECT_EQ(passes("Content-Length: 007\n"), "Content-Length: 7\r\n");
  EXPECT_EQ(passes("Content-Length: 0\n"), "Content-Length: 0\r\n");
  EXPECT_EQ(passes("Transfer-Encoding: CHUNKED\n"), "Transfer-Encoding: chunked\r\n");
}

TEST(ToUpstream, r52_passes_the_expectation_unless_told_otherwise) {
  const std::string request = get_with("Expect: 100-continue\nContent-Length: 1\n");
  EXPECT_NE(up(request).find("Expect: 100-continue\r\n"), std::string::npos);
  EXPECT_EQ(up(request, {}, true).find("Expect"), std::string::npos);
}

TEST(ToUpstream, r69_passes_a_websocket_upgrade) {
  EXPECT_EQ(
      passes("Connection: keep-alive, Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: a, b\n"),
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Protocol: a, b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
}

TEST(ToUpstream, writes_nothing_when_it_does_not_fit) {
  const RequestText text(crlf(get_with("A: b\n")));
  const ToUpstream wish{{"192.0.2.1", "http", "h", "80"}, {}, kOurs, false};
  std::array<char, 512> out;
  const std::size_t size = build_upstream_head(text.head, wish, out);
  ASSERT_GT(size, 0U);
  for (std::size_t room = 0; room < size; ++room) {
    EXPECT_EQ(build_upstream_head(text.head, wish, std::span(out.data(), room)), 0U);
  }
  EXPECT_EQ(build_upstream_head(text.head, wish, std::span(out.data(), size)), size);
}

std::string down(std::string_view response, ToClient wish, Asked asked = {}) {
  const ResponseText text(crlf(response), asked);
  EXPECT_TRUE(text.complete()) << response << text.scan.reason;
  wish.date = kDate;
  wish.own_cookies = kOurs;
  std::string out(kMostHead + 4096, '\0');
  out.resize(build_client_head(text.head, wish, out));
  return out;
}

std::string framed(std::string_view lines, std::string_view scheme = "https") {
  ToClient wish;
  wish.framed_by = "'self' https://course.example";
  wish.scheme = scheme;
  const std::string out =
      down("HTTP/1.1 200 OK\nDate: d\nContent-Length: 0\n" + std::string(lines) + "\n", wish);
  const std::string start = "HTTP/1.1 200 OK\r\nDate: d\r\n";
  const std::string end =
      "Content-Security-Policy: frame-ancestors 'self' https://course.example\r\n"
      "Content-Length: 0\r\n\r\n";
  EXPECT_TRUE(out.starts_with(start)) << out;
  EXPECT_TRUE(out.ends_with(end)) << out;
  return out.substr(start.size(), out.size() - start.size() - end.size());
}

std::string arrives(std::string_view lines) {
  const std::string out =
      down("HTTP/1.1 200 OK\nDate: d\nContent-Length: 0\n" + std::string(lines) + "\n", {});
  const std::string start = "HTTP/1.1 200 OK\r\nDate: d\r\n";
  const std::string end = "Content-Length: 0\r\n\r\n";
  EXPECT_TRUE(out.starts_with(start)) << out;
  EXPECT_TRUE(out.ends_with(end)) << out;
  return out.substr(start.size(), out.size() - start.size() - end.size());
}

TEST(ToClient, r62_r64_passes_fields_as_they_are) {
  EXPECT_EQ(arrives("Content-Encoding: gzip\nset-cookie: a=b\nSet-Cookie: c=d; Path=/\nServer: "
                    "TornadoServer\n"),
            "Content-Encoding: gzip\r\nset-cookie: a=b\r\nSet-Cookie: c=d; Path=/\r\nServer: "
            "TornadoServer\r\n");
}

TEST(ToClient, r64_lets_no_server_set_our_cookies) {
  EXPECT_EQ(arrives("Set-Cookie: passerelle-session=x\nSet-Cookie: __Host-passerelle-session=x\n"
                    "Set-Cookie: =passerelle-session=x\nSet-Cookie: ok=1\n"),
            "Set-Cookie: ok=1\r\n");
}

TEST(ToClient, r64_keeps_cookies_on_the_host_that_set_them) {
  EXPECT_EQ(arrives("Set-Cookie: a=b; Path=/; Domain=example.fr; Secure\n"),
            "Set-Cookie: a=b; Path=/; Secure\r\n");
  EXPECT_EQ(arrives("set-cookie: a=b;\tDOMAIN =.example.fr\n"), "set-cookie: a=b\r\n");
  EXPECT_EQ(arrives("Set-Cookie: a=b;domain;DoMaIn=x;HttpOnly\n"), "Set-Cookie: a=b;HttpOnly\r\n");
  EXPECT_EQ(arrives("Set-Cookie: domain=1; X-Domain=y\n"), "Set-Cookie: domain=1; X-Domain=y\r\n");
  EXPECT_EQ(arrives("Set-Cookie: a=b;\n"), "Set-Cookie: a=b;\r\n");
}

TEST(ToClient, r65_names_us_where_the_server_named_itself) {
  const passerelle::Upstream upstream{passerelle::Upstream::Kind::tcp, "127.0.0.1", 8888, {}};
  ToClient wish{};
  wish.upstream = &upstream;
  wish.scheme = "https";
  wish.host = "example.fr";
  EXPECT_NE(down("HTTP/1.1 302 Found\nlocation: http://127.0.0.1:8888/x?y#z\n\n", wish)
                .find("location: https://example.fr/x?y#z\r\n"),
            std::string::npos);
  EXPECT_NE(down("HTTP/1.1 302 Found\nLocation: http://127.0.0.1:8889/x\n\n", wish)
                .find("Location: http://127.0.0.1:8889/x\r\n"),
            std::string::npos);
  EXPECT_NE(down("HTTP/1.1 302 Found\nLocation: http://127.0.0.1:8888//evil/x\n\n", wish)
                .find("Location: https://example.fr//evil/x\r\n"),
            std::string::npos);
}

TEST(ToClient, lets_no_server_act_on_the_whole_origin) {
  EXPECT_EQ(arrives("Clear-Site-Data: \"*\"\nService-Worker-Allowed: /\nStrict-Transport-Security: "
                    "max-age=1\n"
                    "Alt-Svc: h3=\":1\"\nNEL: {}\nReport-To: {}\n"),
            "");
}

TEST(ToClient, r46_r47_drops_what_belongs_to_the_connection) {
  EXPECT_EQ(
      arrives("Connection: X-Hop, set-cookie\nX-Hop: 1\nKeep-Alive: 5\nTrailer: T\nUpgrade: h2c\n"
              "Proxy-Authenticate: Basic\nSet-Cookie: a=b\n"),
      "Set-Cookie: a=b\r\n");
}

TEST(ToClient, r51_adds_a_missing_date) {
  EXPECT_EQ(down("HTTP/1.1 404 Not Here\nContent-Length: 3\n\n", {}),
            crlf("HTTP/1.1 404 Not Here\nDate: " + std::string(kDate) + "\nContent-Length: 3\n\n"));
}

TEST(ToClient, r53_adds_nothing_to_an_interim_response) {
  EXPECT_EQ(down("HTTP/1.1 103 Early Hints\nLink: </a>\n\n", {}),
            crlf("HTTP/1.1 103 Early Hints\nLink: </a>\n\n"));
}

TEST(ToClient, r57_keeps_the_length_of_head_only_where_there_may_be_one) {
  const Asked head{.head = true, .websocket = false};
  EXPECT_NE(down("HTTP/1.1 200 OK\nContent-Length: 9\n\n", {}, head).find("Content-Length: 9\r\n"),
            std::string::npos);
  EXPECT_EQ(down("HTTP/1.1 204 OK\nContent-Length: 9\n\n", {}).find("Content-Length"),
            std::string::npos);
}

TEST(ToClient, r59_frames_what_the_client_can_read) {
  const ToClient chunked{.reframe = Reframe::chunked};
  EXPECT_EQ(down("HTTP/1.0 200 OK\nDate: d\n\n", chunked),
            crlf("HTTP/1.1 200 OK\nDate: d\nTransfer-Encoding: chunked\n\n"));
  const ToClient until_close{
      .reframe = Reframe::until_close, .keep_alive = true, .client_minor = 0};
  EXPECT_EQ(down("HTTP/1.1 200 OK\nDate: d\nTransfer-Encoding: chunked\n\n", until_close),
            crlf("HTTP/1.1 200 OK\nDate: d\nConnection: close\n\n"));
}

TEST(ToClient, r80_tells_an_old_client_whether_it_may_stay) {
  ToClient wish{.client_minor = 0};
  EXPECT_NE(down("HTTP/1.1 200 OK\nContent-Length: 0\n\n", wish).find("Connection: keep-alive\r\n"),
            std::string::npos);
  wish.keep_alive = false;
  EXPECT_NE(down("HTTP/1.1 200 OK\nContent-Length: 0\n\n", wish).find("Connection: close\r\n"),
            std::string::npos);
}

TEST(ToClient, r69_passes_the_switch_to_a_websocket) {
  const Asked asked{.head = false, .websocket = true};
  EXPECT_EQ(down("HTTP/1.1 101 Go\nDate: d\nupgrade: WebSocket\nCONNECTION: "
                 "Upgrade\nSec-WebSocket-Accept: k\n\n",
                 {}, asked),
            crlf("HTTP/1.1 101 Go\nDate: d\nSec-WebSocket-Accept: k\nConnection: Upgrade\nUpgrade: "
                 "websocket\n\n"));
}

TEST(Reframe, follows_the_response_and_the_client) {
  const auto reframe = [](std::string_view response, int minor) {
    return reframe_for(ResponseText(crlf(response), {}).head, minor);
  };
  EXPECT_EQ(reframe("HTTP/1.1 200 OK\nContent-Length: 1\n\n", 0), Reframe::keep);
  EXPECT_EQ(reframe("HTTP/1.1 204 OK\n\n", 1), Reframe::keep);
  EXPECT_EQ(reframe("HTTP/1.1 200 OK\n\n", 1), Reframe::chunked);
  EXPECT_EQ(reframe("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", 1), Reframe::chunked);
  EXPECT_EQ(reframe("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", 0), Reframe::until_close);
}

TEST(InFrames, OnlyThoseWhomWeNameMayShowIt) {
  EXPECT_EQ(framed("X-Frame-Options: DENY\nA: 1\nx-frame-options: sameorigin\n"), "A: 1\r\n");
  EXPECT_EQ(framed("Content-Security-Policy: frame-ancestors 'self'; report-uri /r\nA: 1\n"),
            "Content-Security-Policy: report-uri /r\r\nA: 1\r\n");
  EXPECT_EQ(framed("Content-Security-Policy: frame-ancestors 'none'\n"), "");
  EXPECT_EQ(framed("Content-Security-Policy:  FRAME-Ancestors\t'none' ;;\n"), "");
  EXPECT_EQ(framed("CSP-Other: frame-ancestors 'none'\n"), "CSP-Other: frame-ancestors 'none'\r\n");
}

// Each policy counts for itself, in one field or in several; other directives stay in theirs.
TEST(InFrames, OtherPoliciesStayAsTheyAre) {
  EXPECT_EQ(framed("Content-Security-Policy: default-src 'self'; frame-ancestors a, img-src *;"
                   " frame-ancestors b; sandbox, frame-ancestors c\n"),
            "Content-Security-Policy: default-src 'self', img-src *; sandbox\r\n");
  EXPECT_EQ(framed("Content-Security-Policy: frame-ancestors a, img-src *; sandbox\n"),
            "Content-Security-Policy: img-src *; sandbox\r\n");
  EXPECT_EQ(framed("Content-Security-Policy: frame-ancestors-x a; frame-src b\n"),
            "Content-Security-Policy: frame-ancestors-x a; frame-src b\r\n");
  EXPECT_EQ(framed("Content-Security-Policy-Report-Only: frame-ancestors a\n"),
            "Content-Security-Policy-Report-Only: frame-ancestors a\r\n");
}

TEST(InFrames, CookiesWorkThereOverHttps) {
  EXPECT_EQ(framed("Set-Cookie: _xsrf=1; Path=/; SameSite=Lax; secure; Domain=h; HttpOnly\n"),
            "Set-Cookie: _xsrf=1; Path=/; HttpOnly; SameSite=None; Secure; Partitioned\r\n");
  EXPECT_EQ(framed("Set-Cookie: passerelle-session=1\n"), "");
  EXPECT_EQ(framed("Set-Cookie: a=1; SameSite=Lax\n", "http"), "Set-Cookie: a=1; SameSite=Lax\r\n");
}

TEST(InFrames, NothingChangesForOthers) {
  EXPECT_EQ(arrives("X-Frame-Options: DENY\nContent-Security-Policy: frame-ancestors a;b\n"),
            "X-Frame-Options: DENY\r\nContent-Security-Policy: frame-ancestors a;b\r\n");
}

}  // namespace
}  // namespace passerelle::proxy
