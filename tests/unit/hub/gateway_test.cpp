#include "hub/gateway.hpp"

#include <gtest/gtest.h>

namespace passerelle::hub {
namespace {

constexpr std::string_view kHost = "hub.example:8000";

TEST(CrossOrigin, OurOwnPagesMayDoEverything) {
  EXPECT_FALSE(cross_origin("POST", false, "same-origin", "http://hub.example:8000", kHost));
  EXPECT_FALSE(cross_origin("GET", true, "", "https://HUB.example:8000", kHost));
  EXPECT_FALSE(cross_origin("POST", false, "", "", kHost));  // a program without a browser
}

TEST(CrossOrigin, LinksFromElsewhereMayOpenPages) {
  EXPECT_FALSE(cross_origin("GET", false, "cross-site", "", kHost));
  EXPECT_FALSE(cross_origin("HEAD", false, "none", "", kHost));
}

// CVE-2026-40864: neither `no-cors` nor a form makes another site's POST ours. CVE-2024-28179: nor
// a WebSocket.
TEST(CrossOrigin, OtherSitesChangeNothingAndOpenNoWebSocket) {
  EXPECT_TRUE(cross_origin("POST", false, "cross-site", "", kHost));
  EXPECT_TRUE(cross_origin("POST", false, "same-site", "", kHost));
  EXPECT_TRUE(cross_origin("DELETE", false, "", "http://evil.example", kHost));
  EXPECT_TRUE(cross_origin("POST", false, "", "null", kHost));
  EXPECT_TRUE(cross_origin("GET", true, "cross-site", "", kHost));
  EXPECT_TRUE(cross_origin("GET", true, "", "http://evil.example", kHost));
  EXPECT_TRUE(cross_origin("GET", true, "", "http://hub.example",
                           kHost));  // another port is another origin
  EXPECT_TRUE(cross_origin("GET", true, "", "http://hub.example:8000.evil.example", kHost));
}

TEST(BearerToken, IsTakenFromBothSchemes) {
  EXPECT_EQ(bearer_token("token abc"), "abc");
  EXPECT_EQ(bearer_token("Bearer  abc "), "abc");
  EXPECT_EQ(bearer_token("TOKEN abc"), "abc");
  EXPECT_EQ(bearer_token("Basic abc"), "");
  EXPECT_EQ(bearer_token("abc"), "");
  EXPECT_EQ(bearer_token(""), "");
}

}  // namespace
}  // namespace passerelle::hub
