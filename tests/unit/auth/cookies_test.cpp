#include "auth/cookies.hpp"

#include <gtest/gtest.h>

#include "auth/csrf.hpp"

namespace passerelle::auth {
namespace {

TEST(Cookies, HaveTheStrongestNameThePathAllows) {
  EXPECT_EQ(Cookies("http://localhost:8000", "/").session_name(), "passerelle-session");
  EXPECT_EQ(Cookies("", "/").session_name(), "passerelle-session");
  EXPECT_EQ(Cookies("https://x.example", "/").session_name(), "__Host-passerelle-session");
  EXPECT_EQ(Cookies("https://x.example/j/", "/j/").session_name(), "__Secure-passerelle-session");
}

TEST(Cookies, CarryTheirAttributes) {
  EXPECT_EQ(Cookies("https://x.example", "/").session("s3", seconds(60)),
            "__Host-passerelle-session=s3; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60");
  EXPECT_EQ(Cookies("", "/j/").clear_session(),
            "passerelle-session=; Path=/j/; HttpOnly; SameSite=Lax; Max-Age=0");
  EXPECT_EQ(
      Cookies("https://x.example", "/").of_authenticator("room", "claim", "c", seconds(31536000)),
      "__Secure-passerelle-room-claim=c; Path=/hub/auth/room/; HttpOnly; SameSite=Lax; "
      "Secure; Max-Age=31536000");
}

// CVE-2024-28233: a neighbouring host can add a cookie of our name; then none counts.
TEST(Cookies, Cve2024_28233_ACookieSentTwiceIsNone) {
  EXPECT_EQ(find_cookie("a=1; passerelle-session=x; b=2", "passerelle-session"), "x");
  EXPECT_EQ(find_cookie("passerelle-session=x;passerelle-session=y", "passerelle-session"),
            std::nullopt);
  EXPECT_EQ(find_cookie("passerelle-session=x; passerelle-session=x", "passerelle-session"),
            std::nullopt);
  EXPECT_EQ(find_cookie("xpasserelle-session=x; PASSERELLE-SESSION=y", "passerelle-session"),
            std::nullopt);
  const Cookies cookies("", "/");
  EXPECT_TRUE(cookies.for_authenticator("room", "passerelle-room-claim=a; passerelle-room-claim=b")
                  .empty());
}

// CVE-2023-28625, CVE-2024-24814: odd headers cost nothing and find nothing.
TEST(Cookies, OddHeadersFindNothing) {
  for (const char* header : {"", ";", ";;;;;;;", "=", "=;=", "a", "a;b;c", " ; = ; "})
    EXPECT_EQ(find_cookie(header, "a"), std::nullopt) << header;
  EXPECT_EQ(find_cookie(std::string(100'000, ';') + "a=1", "a"), "1");
}

TEST(Cookies, AnAuthenticatorSeesItsOwnOnly) {
  const Cookies cookies("https://x.example", "/");
  const auto seen = cookies.for_authenticator(
      "room",
      "__Secure-passerelle-room-claim=a; __Secure-passerelle-lab-state=b; passerelle-room-claim=c; "
      "__Host-passerelle-session=d");
  EXPECT_EQ(seen, (std::map<std::string, std::string>{{"claim", "a"}}));
}

TEST(Csrf, Cve2024_28233_TokensAreBoundToTheSession) {
  const Csrf csrf(std::string(32, 'k'));
  const std::string token = csrf.token("session-a");
  EXPECT_TRUE(csrf.check("session-a", token));
  EXPECT_FALSE(csrf.check("session-b", token));
  EXPECT_FALSE(csrf.check("session-a", ""));
  EXPECT_FALSE(csrf.check("", csrf.token("")));
  EXPECT_FALSE(Csrf(std::string(32, 'l')).check("session-a", token));
}

TEST(Csrf, AVisitorsTokenOpensNoSession) {
  const Csrf csrf(std::string(32, 'k'));
  EXPECT_TRUE(csrf.check_visitor("v", csrf.visitor_token("v")));
  EXPECT_FALSE(csrf.check_visitor("w", csrf.visitor_token("v")));
  EXPECT_FALSE(csrf.check("v", csrf.visitor_token("v")));
  EXPECT_FALSE(csrf.check_visitor("v", csrf.token("v")));
  EXPECT_FALSE(csrf.check_visitor("", csrf.visitor_token("")));
}

}  // namespace
}  // namespace passerelle::auth
