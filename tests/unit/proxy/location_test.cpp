// Which addresses in Location are the server's own (65).
#include "proxy/location.hpp"

#include <gtest/gtest.h>

namespace passerelle::proxy {
namespace {

using Kind = passerelle::Upstream::Kind;

std::string behind(std::string_view location,
                   const char* host = "127.0.0.1",
                   std::uint16_t port = 80) {
  return std::string(behind_upstream(location, {Kind::tcp, host, port, {}}).value_or("no"));
}

TEST(Location, r65_knows_the_server_by_address_and_port) {
  EXPECT_EQ(behind("http://127.0.0.1:80/a?b"), "/a?b");
  EXPECT_EQ(behind("HTTPS://127.0.0.1:80"), "");
  EXPECT_EQ(behind("//127.0.0.1:80?q"), "?q");
  EXPECT_EQ(behind("http://LOCALHOST:80/"), "/");
  EXPECT_EQ(behind("http://[::1]:80/x", "::1"), "/x");
  EXPECT_EQ(behind("http://localhost:80/x", "::1"), "/x");
}

TEST(Location, r65_leaves_everything_else_alone) {
  for (const char* location :
       {"/x", "", "http:", "http://", "http://127.0.0.1/x", "http://127.0.0.1:81/x",
        "http://127.0.0.1:80a/", "http://127.0.0.2:80/x", "http://u@127.0.0.1:80/x",
        "http://127.0.0.1:80@evil/x", "ftp://127.0.0.1:80/", "http://127.0.0.1:80.evil/",
        "x//127.0.0.1:80/", "http:/127.0.0.1:80/"})
    EXPECT_EQ(behind(location), "no") << location;
  EXPECT_EQ(behind("http://localhost:80/x", "192.0.2.1"), "no");
  EXPECT_FALSE(behind_upstream("http://:0/x", {Kind::unix_socket, {}, 0, "/run/x"}));
}

}  // namespace
}  // namespace passerelle::proxy
