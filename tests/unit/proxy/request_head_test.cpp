// Request heads: one row for each rule of the list of proxy behaviours that a head alone decides;
// numbers are the list's.
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/proxy/head_text.hpp"

namespace passerelle::proxy {
namespace {

using namespace std::string_literals;

struct Row {
  const char* rule;
  std::string bytes;
  const char* verdict;
};

std::string with(std::string_view lines) {
  return crlf("GET / HTTP/1.1\nHost: h\n" + std::string(lines) + "\n");
}
std::string asking(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
}
std::string fields(std::size_t count) {
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (std::size_t i = 1; i < count; ++i) text += "A: b\r\n";
  return text + "\r\n";
}
std::string websocket(std::string_view line,
                      std::string_view method = "GET /",
                      std::string_view version = "1.1") {
  return crlf(std::string(method) + " HTTP/" + std::string(version) +
              "\nHost: h\nConnection: keep-alive, Upgrade\nUpgrade: WebSocket\n" +
              std::string(line) + "\n");
}
constexpr std::string_view kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"1 plain", asking("/"), "complete"},
      {"1 two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"1 two spaces later", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"1 tab", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"1 tab later", "GET /\tHTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"1 space at the end", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", "400"},
      {"1 space at the start", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"1 lower-case http", "GET / http/1.1\r\nHost: h\r\n\r\n", "400"},
      {"1 bare LF", "GET / HTTP/1.1\nHost: h\r\n\r\n", "400"},
      {"1 bare CR", "GET / HTTP/1.1\rHost: h\r\n\r\n", "400"},
      {"1 no target", "GET  HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"1 relative target", asking("x/y"), "400"},
      {"1 method with a control character", "G\x01T / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"1 method of 33 letters", std::string(33, 'M') + " / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"1 TLS on the plain port", "\x16\x03\x01\x02"s, "400"},
      {"2 one empty line first", "\r\n" + asking("/"), "complete"},
      {"2 two empty lines first", "\r\n\r\n" + asking("/"), "400"},
      {"2 bare LF first", "\n" + asking("/"), "400"},
      {"3 HTTP/0.9", "GET /\r\n\r\n", "400"},
      {"4 HTTP/1.2 is 1.1", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", "complete"},
      {"4 HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
      {"4 HTTP/0.9 written out", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", "505"},
      {"4 HTTP/1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", "400"},
      {"4 HTTP/x.1", "GET / HTTP/x.1\r\nHost: h\r\n\r\n", "400"},
      {"5 no Host", "GET / HTTP/1.1\r\n\r\n", "400"},
      {"5 no Host in 1.0", "GET / HTTP/1.0\r\n\r\n", "complete"},
      {"6 two Hosts", with("Host: h\n"), "400"},
      {"7 empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"},
      {"7 space in Host", "GET / HTTP/1.1\r\nHost: a evil\r\n\r\n", "400"},
      {"7 slash in Host", "GET / HTTP/1.1\r\nHost: a/evil\r\n\r\n", "400"},
      {"7 userinfo in Host", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", "400"},
      {"7 port too large", "GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", "400"},
      {"7 port of letters", "GET / HTTP/1.1\r\nHost: h:80a\r\n\r\n", "400"},
      {"7 empty port", "GET / HTTP/1.1\r\nHost: h:\r\n\r\n", "400"},
      {"7 invalid in 1.0 too", "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n", "400"},
      {"79 IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", "complete"},
      {"79 broken IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400"},
      {"79 IPv4 in brackets", "GET / HTTP/1.1\r\nHost: [127.0.0.1]\r\n\r\n", "400"},
      {"8 absolute-form", asking("http://o:8000/x"), "complete"},
      {"8 absolute-form, userinfo", asking("http://u@o/x"), "400"},
      {"8 absolute-form, no host", asking("http:///x"), "400"},
      {"8 absolute-form, other scheme", asking("ftp://o/x"), "400"},
      {"8 absolute-form, no Host", "GET http://o/x HTTP/1.1\r\n\r\n", "400"},
      {"9 CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
      {"10 TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
      {"11 OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "complete"},
      {"11 GET *", asking("*"), "400"},
      {"12 unknown method", "PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n", "complete"},
      {"13 fragment", asking("/a#b"), "400"},
      {"13 fragment after the query", asking("/a?b#c"), "400"},
      {"14 raw byte in the path", asking("/caf\xc3\xa9"), "400"},
      {"14 raw byte in the query", asking("/?q=\xc3\xa9"), "400"},
      {"15 broken escape", asking("/user/a/%zz"), "400"},
      {"15 short escape", asking("/a%2"), "400"},
      {"15 a query is not ours to judge", asking("/?q=100%"), "complete"},
      {"16 escaped NUL", asking("/user/a/b%00"), "400"},
      {"17 target of 16 KiB", asking("/" + std::string(kMostTarget - 1, 'a')), "complete"},
      {"17 one byte more", asking("/" + std::string(kMostTarget, 'a')), "414"},
      {"17 before its end is seen", "GET /" + std::string(kMostTarget, 'a'), "414"},
      {"18 backslash", asking("/user/a/..\\b"), "400"},
      {"21 escaped slash in the name", asking("/user/a%2fb/"), "400"},
      {"21 escaped slash in a file name", asking("/user/a/api/contents/b%2Fc"), "complete"},
      {"27 folded line", with("A: b\n c\n"), "400"},
      {"27 folded with a tab", with("A: b\n\tc\n"), "400"},
      {"28 space before the colon", with("A : b\n"), "400"},
      {"29 empty name", with(": b\n"), "400"},
      {"29 name of no token", with("A(: b\n"), "400"},
      {"29 raw byte in a name", with("A\xc3: b\n"), "400"},
      {"29 no colon", with("A\n"), "400"},
      {"29 NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n"s, "400"},
      {"29 NUL in a long value",
       "GET / HTTP/1.1\r\nHost: h\r\nA: 0123456789abcdef0123456789ab\0def\r\n\r\n"s, "400"},
      {"29 DEL in a value", with("A: b\x7f\n"), "400"},
      {"29 bare CR in a value", "GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", "400"},
      {"29 bare LF in a value", "GET / HTTP/1.1\r\nHost: h\r\nA: b\nC: d\r\n\r\n", "400"},
      {"29 bare LF at the end", "GET / HTTP/1.1\r\nHost: h\r\n\n", "400"},
      {"29 CR CR LF", "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", "400"},
      {"29 bytes above 0x7f in a value pass", with("A: caf\xc3\xa9\n"), "complete"},
      {"29 a tab inside a value passes", with("A: b\tc\n"), "complete"},
      {"30 100 fields", fields(kMostFields), "complete"},
      {"30 101 fields", fields(kMostFields + 1), "431"},
      {"30 more than 32 KiB", with("Cookie: " + std::string(kMostHead, 'c') + "\n"), "431"},
      {"30 cookies of 16 KiB pass", with("Cookie: a=" + std::string(16384, 'c') + "\n"),
       "complete"},
      {"34 CL and TE", with("Content-Length: 1\nTransfer-Encoding: chunked\n"), "400"},
      {"35 two CL, equal", with("Content-Length: 1\nContent-Length: 1\n"), "400"},
      {"35 two CL, not equal", with("Content-Length: 1\nContent-Length: 2\n"), "400"},
      {"35 a list of CL", with("Content-Length: 1, 1\n"), "400"},
      {"36 CL with a sign", with("Content-Length: +1\n"), "400"},
      {"36 CL of hex", with("Content-Length: 0x1\n"), "400"},
      {"36 empty CL", with("Content-Length:\n"), "400"},
      {"36 CL of 2^63-1", with("Content-Length: 9223372036854775807\n"), "complete"},
      {"36 CL of 2^63", with("Content-Length: 9223372036854775808\n"), "400"},
      {"36 CL of 30 digits", with("Content-Length: 100000000000000000000000000000\n"), "400"},
      {"37 gzip, chunked", with("Transfer-Encoding: gzip, chunked\n"), "501"},
      {"37 ,chunked", with("Transfer-Encoding: ,chunked\n"), "501"},
      {"37 chunked, chunked", with("Transfer-Encoding: chunked, chunked\n"), "501"},
      {"37 chunked twice", with("Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n"), "400"},
      {"37 xchunked", with("Transfer-Encoding: xchunked\n"), "501"},
      {"37 identity", with("Transfer-Encoding: identity\n"), "501"},
      {"37 empty", with("Transfer-Encoding:\n"), "501"},
      {"37 Chunked", with("Transfer-Encoding: Chunked\n"), "complete"},
      {"38 TE in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"46 too many names in Connection", with("Connection: a,b,c,d,e,f,g,h,i\n"), "400"},
      {"46 Connection with no name", with("Connection: a b\n"), "400"},
      {"52 other expectation", with("Expect: tea\n"), "417"},
      {"69 handshake", websocket(kKey), "complete"},
      {"69 no key", websocket(""), "400"},
      {"69 short key", websocket("Sec-WebSocket-Key: abc\n"), "400"},
      {"69 two keys", websocket(std::string(kKey) + std::string(kKey)), "400"},
      {"69 POST", websocket(kKey, "POST /"), "400"},
      {"69 1.0", websocket(kKey, "GET /", "1.0"), "400"},
      {"69 with a body", websocket(std::string(kKey) + "Content-Length: 1\n"), "400"},
      {"two Authorization", with("Authorization: a\nAuthorization: b\n"), "400"},
      {"two Origin", with("Origin: https://h\nOrigin: null\n"), "400"},
      {"nothing yet", "", "incomplete"},
      {"half a head", "GET / HTTP/1.1\r\nHost: h\r\n\r", "incomplete"},
  };
  return all;
}

TEST(RequestHead, follows_each_rule) {
  for (const Row& row : rows()) {
    const RequestText text(row.bytes);
    EXPECT_EQ(verdict(text.scan), row.verdict)
        << row.rule << ": " << shown(row.bytes.substr(0, 200));
    EXPECT_EQ(text.scan.reason.empty(), text.scan.status == 0) << row.rule;
  }
}

TEST(RequestHead, is_judged_alike_however_it_drips_in) {
  for (const Row& row : rows()) {
    if (row.bytes.size() > 4096) continue;
    RequestHead head;
    Scan scan;
    std::string bytes;
    for (std::size_t size = 0; size < row.bytes.size() && scan.state == Scan::State::incomplete;
         ++size) {
      bytes += row.bytes[size];
      scan = scan_request(bytes, size, head);
    }
    EXPECT_EQ(verdict(scan), row.verdict) << row.rule;
  }
}

TEST(RequestHead, tells_its_parts) {
  const RequestText text(crlf(
      "POST /a/b?c=d&e HTTP/1.1\nHost: h:8000\nContent-Length: 5\nX-A:  b c\t \nx-a: d\n\nhello"));
  ASSERT_TRUE(text.complete());
  EXPECT_EQ(text.scan.used, text.bytes.size() - 5);
  EXPECT_EQ(text.head.method(), "POST");
  EXPECT_EQ(text.head.target(), "/a/b?c=d&e");
  EXPECT_EQ(text.head.path(), "/a/b");
  EXPECT_EQ(text.head.query(), "c=d&e");
  EXPECT_EQ(text.head.host(), "h:8000");
  EXPECT_EQ(text.head.content_length(), 5U);
  EXPECT_TRUE(text.head.has_body());
  EXPECT_TRUE(text.head.keep_alive());
  ASSERT_EQ(text.head.fields().size(), 4U);
  EXPECT_EQ(text.head.fields()[2].name, "X-A");
  EXPECT_EQ(text.head.fields()[2].value, "b c");
  EXPECT_EQ(text.head.value("x-A"), "b c");
  EXPECT_EQ(text.head.value(FieldId::content_length), "5");
}

TEST(RequestHead, r08_takes_the_host_of_an_absolute_target) {
  struct Case {
    const char* line;
    const char* host;
    const char* target;
  };
  const Case cases[] = {
      {"GET http://other:81/x?y HTTP/1.1", "other:81", "/x?y"},
      {"GET HTTPS://[::1]/x HTTP/1.1", "[::1]", "/x"},
      {"GET http://other HTTP/1.1", "other", "/"},
      {"GET http://other?y HTTP/1.1", "other", "/?y"},
      {"GET http://other/a/../b HTTP/1.1", "other", "/b"},
      {"OPTIONS http://other HTTP/1.1", "other", "*"},
  };
  for (const Case& row : cases) {
    const RequestText text(crlf(std::string(row.line) + "\nHost: mine\n\n"));
    ASSERT_TRUE(text.complete()) << row.line;
    EXPECT_EQ(text.head.host(), row.host) << row.line;
    EXPECT_EQ(text.head.target(), row.target) << row.line;
  }
}

TEST(RequestHead, r18_r24_has_a_canonical_path_and_the_query_as_it_came) {
  const RequestText dots(asking("/user/bob/../alice/./x?a=../b&?=%zz"));
  ASSERT_TRUE(dots.complete());
  EXPECT_EQ(dots.head.path(), "/user/alice/x");
  EXPECT_EQ(dots.head.target(), "/user/alice/x?a=../b&?=%zz");
  const RequestText empty_query(asking("/a?"));
  EXPECT_EQ(empty_query.head.target(), "/a?");
  EXPECT_EQ(empty_query.head.path(), "/a");
  EXPECT_EQ(empty_query.head.query(), "");
}

TEST(RequestHead, r31_does_not_hold_names_that_could_be_taken_for_others) {
  const RequestText text(
      with("X_Forwarded_User: root\nX.Forwarded.For: 1\nCook!e: a\nX-Fine: 1\n"));
  ASSERT_TRUE(text.complete());
  ASSERT_EQ(text.head.fields().size(), 2U);
  EXPECT_EQ(text.head.fields()[1].name, "X-Fine");
}

TEST(RequestHead, r47_knows_how_long_a_connection_lives) {
  struct Case {
    const char* version;
    const char* connection;
    bool keep_alive;
  };
  const Case cases[] = {{"1.1", "", true},
                        {"1.1", "Connection: close\n", false},
                        {"1.1", "Connection: x, CLOSE\n", false},
                        {"1.1", "Connection: keep-alive\nConnection: close\n", false},
                        {"1.1", "Connection: closed\n", true},
                        {"1.0", "", false},
                        {"1.0", "Connection: Keep-Alive\n", true}};
  for (const Case& row : cases) {
    const RequestText text(
        crlf("GET / HTTP/" + std::string(row.version) + "\nHost: h\n" + row.connection + "\n"));
    ASSERT_TRUE(text.complete());
    EXPECT_EQ(text.head.keep_alive(), row.keep_alive) << row.version << row.connection;
  }
}

TEST(RequestHead, r52_expects_a_hundred_only_in_1_1) {
  EXPECT_TRUE(RequestText(with("Expect: 100-Continue\n")).head.expect_continue());
  EXPECT_FALSE(RequestText(with("")).head.expect_continue());
  EXPECT_FALSE(
      RequestText(crlf("POST / HTTP/1.0\nExpect: 100-continue\n\n")).head.expect_continue());
}

TEST(RequestHead, r69_knows_a_websocket_and_its_version) {
  const RequestText good(websocket(std::string(kKey) + "Sec-WebSocket-Version: 13\n"));
  EXPECT_TRUE(good.head.upgrade_websocket());
  EXPECT_TRUE(good.head.websocket_13());
  const RequestText old(websocket(std::string(kKey) + "Sec-WebSocket-Version: 8\n"));
  EXPECT_TRUE(old.head.upgrade_websocket());
  EXPECT_FALSE(old.head.websocket_13());
  EXPECT_FALSE(RequestText(with("Upgrade: websocket\n")).head.upgrade_websocket());
  EXPECT_FALSE(RequestText(with("Connection: upgrade\nUpgrade: h2c\n")).head.upgrade_websocket());
}

TEST(RequestHead, can_be_read_again_after_another_one) {
  RequestHead head;
  std::string first = websocket(kKey);
  std::string second = asking("/b");
  ASSERT_EQ(verdict(scan_request(first, 0, head)), "complete");
  ASSERT_EQ(verdict(scan_request(second, 0, head)), "complete");
  EXPECT_FALSE(head.upgrade_websocket());
  EXPECT_EQ(head.path(), "/b");
  EXPECT_FALSE(head.has(FieldId::upgrade));
}

TEST(RequestHead, moves_with_its_bytes) {
  RequestText text(with("A: b\n"));
  const std::string copy = text.bytes;
  text.head.rebase(copy.data());
  text.bytes.assign(text.bytes.size(), '?');
  EXPECT_EQ(text.head.method(), "GET");
  EXPECT_EQ(text.head.value("a"), "b");
}

TEST(RequestHead, knows_every_name_in_any_case) {
  const RequestText text(with(
      "COOKIE: a=b\ncookie: c=d\nx-FORWARDED-user: u\nX-Forwarded-For: 1.2.3.4\nTe: trailers\n"));
  ASSERT_TRUE(text.complete());
  EXPECT_EQ(text.head.fields().id(1), FieldId::cookie);
  EXPECT_EQ(text.head.fields().id(2), FieldId::cookie);
  EXPECT_EQ(text.head.fields().id(3), FieldId::x_forwarded_any);
  EXPECT_EQ(text.head.fields().id(4), FieldId::x_forwarded_for);
  EXPECT_TRUE(text.head.accepts_trailers());
}

}  // namespace
}  // namespace passerelle::proxy
