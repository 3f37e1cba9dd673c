// Response heads of servers that may be hostile: framing, interim answers, refusals. Numbers are
// the list's.
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/proxy/head_text.hpp"

namespace passerelle::proxy {
namespace {

using namespace std::string_literals;

constexpr Asked kGet{};
constexpr Asked kHead{.head = true, .websocket = false};
constexpr Asked kWebSocket{.head = false, .websocket = true};

struct Row {
  const char* rule;
  Asked asked;
  std::string head;
  const char* verdict;
  Framing framing = Framing::none;
  std::uint64_t length = 0;
  bool keep_alive = true;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"length", kGet, "HTTP/1.1 200 OK\nContent-Length: 5\n\n", "complete", Framing::length, 5},
      {"length 0", kGet, "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "complete", Framing::length, 0},
      {"chunked", kGet, "HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n", "complete",
       Framing::chunked},
      {"close", kGet, "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: Close\n\n", "complete",
       Framing::length, 5, false},
      {"1.0", kGet, "HTTP/1.0 200 OK\nContent-Length: 5\n\n", "complete", Framing::length, 5,
       false},
      {"1.0 stays", kGet, "HTTP/1.0 200 OK\nContent-Length: 5\nConnection: keep-alive\n\n",
       "complete", Framing::length, 5, true},
      {"57 HEAD keeps its length", kHead, "HTTP/1.1 200 OK\nContent-Length: 5\n\n", "complete",
       Framing::none, 5},
      {"57 HEAD without one", kHead, "HTTP/1.1 200 OK\n\n", "complete"},
      {"57 HEAD, chunked", kHead, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", "complete"},
      {"57 304", kGet, "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n", "complete",
       Framing::none, 5},
      {"57 204", kGet, "HTTP/1.1 204 No Content\n\n", "complete"},
      {"57 204 that announces a body", kGet, "HTTP/1.1 204 No Content\nContent-Length: 5\n\n",
       "complete", Framing::none, 5, false},
      {"57 204 that announces chunks", kGet,
       "HTTP/1.1 204 No Content\nTransfer-Encoding: chunked\n\n", "complete", Framing::none, 0,
       false},
      {"57 100", kGet, "HTTP/1.1 100 Continue\n\n", "complete"},
      {"57 103", kGet, "HTTP/1.1 103 Early Hints\nLink: </a>\n\n", "complete"},
      {"56 101 not asked for", kGet,
       "HTTP/1.1 101 Switching Protocols\nConnection: upgrade\nUpgrade: websocket\n\n", "502"},
      {"56 101 asked for", kWebSocket,
       "HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: WebSocket\n\n", "complete",
       Framing::none, 0, false},
      {"56 101 to something else", kWebSocket,
       "HTTP/1.1 101 S\nConnection: Upgrade\nUpgrade: h2c\n\n", "502"},
      {"56 101 without Connection", kWebSocket, "HTTP/1.1 101 S\nUpgrade: websocket\n\n", "502"},
      {"58 CL and TE", kGet, "HTTP/1.1 200 OK\nContent-Length: 5\nTransfer-Encoding: chunked\n\n",
       "502"},
      {"58 two CL", kGet, "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 5\n\n", "502"},
      {"58 a list of CL", kGet, "HTTP/1.1 200 OK\nContent-Length: 5, 5\n\n", "502"},
      {"58 gzip, chunked", kGet, "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n", "502"},
      {"58 TE in 1.0", kGet, "HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n", "502"},
      {"59 until close", kGet, "HTTP/1.1 200 OK\n\n", "complete", Framing::until_close, 0, false},
      {"61 version", kGet, "HTTP/2 200 OK\n\n", "502"},
      {"61 version 1.2", kGet, "HTTP/1.2 200 OK\n\n", "502"},
      {"61 two digits", kGet, "HTTP/1.1 20 OK\n\n", "502"},
      {"61 four digits", kGet, "HTTP/1.1 2000 OK\n\n", "502"},
      {"61 status 600", kGet, "HTTP/1.1 600 OK\n\n", "502"},
      {"61 status 099", kGet, "HTTP/1.1 099 OK\n\n", "502"},
      {"61 two spaces", kGet, "HTTP/1.1  200 OK\n\n", "502"},
      {"61 no reason", kGet, "HTTP/1.1 204 \n\n", "complete"},
      {"61 no space either", kGet, "HTTP/1.1 204\n\n", "complete"},
      {"61 NUL in the reason", kGet, "HTTP/1.1 204 O\0K\n\n"s, "502"},
      {"61 folded", kGet, "HTTP/1.1 204 OK\nA: b\n c\n\n", "502"},
      {"61 space before the colon", kGet, "HTTP/1.1 204 OK\nA : b\n\n", "502"},
      {"61 an empty line first", kGet, "\nHTTP/1.1 204 OK\n\n", "502"},
      {"61 too large", kGet, "HTTP/1.1 204 OK\nA: " + std::string(kMostHead, 'a') + "\n\n", "502"},
      {"61 half", kGet, "HTTP/1.1 204 OK\nA: b\n", "incomplete"},
  };
  return all;
}

TEST(ResponseHead, follows_each_rule) {
  for (const Row& row : rows()) {
    const ResponseText text(crlf(row.head), row.asked);
    ASSERT_EQ(verdict(text.scan), row.verdict) << row.rule;
    if (!text.complete()) continue;
    EXPECT_EQ(text.head.framing(), row.framing) << row.rule;
    EXPECT_EQ(text.head.length(), row.length) << row.rule;
    EXPECT_EQ(text.head.keep_alive(), row.keep_alive) << row.rule;
  }
}

TEST(ResponseHead, r61_refuses_bare_line_feeds) {
  const ResponseText text("HTTP/1.1 200 OK\nContent-Length: 0\n\n", kGet);
  EXPECT_EQ(verdict(text.scan), "502");
}

TEST(ResponseHead, is_judged_alike_however_it_drips_in) {
  for (const Row& row : rows()) {
    const std::string all = crlf(row.head);
    if (all.size() > 4096) continue;
    ResponseHead head;
    Scan scan;
    std::string bytes;
    for (std::size_t size = 0; size < all.size() && scan.state == Scan::State::incomplete; ++size) {
      bytes += all[size];
      scan = scan_response(bytes, size, row.asked, head);
    }
    EXPECT_EQ(verdict(scan), row.verdict) << row.rule;
  }
}

TEST(ResponseHead, tells_its_parts) {
  const ResponseText text(crlf("HTTP/1.1 404 Not  here\nX_y: 1\nContent-Length: 2\n\nab"), kGet);
  ASSERT_TRUE(text.complete());
  EXPECT_EQ(text.head.status(), 404);
  EXPECT_EQ(text.head.reason(), "Not  here");
  EXPECT_EQ(text.head.fields()[0].name, "X_y");
  EXPECT_EQ(text.scan.used, text.bytes.size() - 2);
  EXPECT_FALSE(text.head.interim());
  EXPECT_TRUE(ResponseText(crlf("HTTP/1.1 103 E\n\n"), kGet).head.interim());
  EXPECT_FALSE(
      ResponseText(crlf("HTTP/1.1 101 S\nConnection: upgrade\nUpgrade: websocket\n\n"), kWebSocket)
          .head.interim());
}

}  // namespace
}  // namespace passerelle::proxy
