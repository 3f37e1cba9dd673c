// The handshake's proof, with the example of RFC 6455, 1.3; and dates, with that of RFC
// 9110, 5.6.7.
#include "proxy/websocket.hpp"

#include <gtest/gtest.h>

#include "proxy/http_date.hpp"

namespace passerelle::proxy {
namespace {

TEST(WebSocket, r69_checks_key_and_answer) {
  constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
  EXPECT_TRUE(is_valid_key(kKey));
  EXPECT_TRUE(accepts_key("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", kKey));
  EXPECT_FALSE(accepts_key("s3pPLMBiTxaQ9kYGzzhZRbK+xOp=", kKey));
  EXPECT_FALSE(accepts_key("", kKey));
  for (const char* const bad : {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
                                "dGhlIHNhbXBsZSBub25j====", "dGhlIHNhbXBsZSBub25j Q=="}) {
    EXPECT_FALSE(is_valid_key(bad)) << bad;
  }
}

TEST(HttpDate, writes_what_the_standard_shows) {
  EXPECT_EQ(HttpDate(784111777).text(), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(HttpDate(0).text(), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(HttpDate(1709164800).text(), "Thu, 29 Feb 2024 00:00:00 GMT");
}

}  // namespace
}  // namespace passerelle::proxy
