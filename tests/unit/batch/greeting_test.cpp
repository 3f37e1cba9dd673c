#include "spawners/batch/greeting.hpp"

#include <gtest/gtest.h>

namespace passerelle::spawners::batch {
namespace {

const std::string kLine = "GET /hub/wormhole/a1b2c3/0123456789abcdef HTTP/1.1\r\n";
const std::string kFields =
    "Host: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Passerelle-Key: secret\r\n";

TEST(Greeting, IsReadAndAnswered) {
  const auto greeting = read_greeting(kLine + kFields + "\r\n");
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->launch, "0123456789abcdef");
  EXPECT_EQ(greeting->key, "secret");
  // The example of RFC 6455, 1.3.
  EXPECT_NE(welcome(*greeting).find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            std::string::npos);
}

TEST(Greeting, AnythingElseIsRefused) {
  const auto refused = [](const std::string& head) { return !read_greeting(head); };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("\r\n\r\n"));
  EXPECT_TRUE(refused(kLine + kFields)) << "no end";
  EXPECT_TRUE(refused(kLine + kFields + "\r\nmore")) << "bytes behind it";
  EXPECT_TRUE(refused("POST" + kLine.substr(3) + kFields + "\r\n"));
  EXPECT_TRUE(refused("GET /hub/wormhole/a1b2c3/../x HTTP/1.1\r\n" + kFields + "\r\n"));
  EXPECT_TRUE(refused("GET /hub/0123456789ABCDEF HTTP/1.1\r\n" + kFields + "\r\n"));
  EXPECT_TRUE(refused("GET /0123456789abcdef?x HTTP/1.1\r\n" + kFields + "\r\n"));
  EXPECT_TRUE(refused("GET /0123456789abcdef HTTP/1.0\r\n" + kFields + "\r\n"));
  EXPECT_TRUE(refused(kLine + "Upgrade: websocket\r\n\r\n")) << "no key";
  EXPECT_TRUE(refused(kLine + kFields + "X-Passerelle-Key: other\r\n\r\n")) << "two keys";
  EXPECT_TRUE(refused(kLine + kFields + "no colon\r\n\r\n"));
  EXPECT_TRUE(refused(kLine + kFields + "A: b\nc: d\r\n\r\n")) << "a bare line feed";
  EXPECT_TRUE(refused(kLine + kFields + std::string("A: \0\r\n\r\n", 8)));
  EXPECT_TRUE(refused(kLine + "Upgrade: h2c\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "X-Passerelle-Key: secret\r\n\r\n"));
  EXPECT_TRUE(refused(kLine + kFields + "A: " + std::string(kLongestGreeting, 'x') + "\r\n\r\n"));
}

}  // namespace
}  // namespace passerelle::spawners::batch
