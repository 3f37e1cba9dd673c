#include "config/values.hpp"

#include <gtest/gtest.h>

namespace passerelle::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(Duration, NeedsUnits) {
  EXPECT_EQ(*parse_duration("30m"), minutes(30));
  EXPECT_EQ(*parse_duration("2h30m"), minutes(150));
  EXPECT_EQ(*parse_duration("45s"), seconds(45));
  EXPECT_EQ(*parse_duration("7d"), hours(168));
  EXPECT_EQ(*parse_duration("0s"), seconds(0));
  for (const auto* bad : {"", "30", "m", "30 m", "30m2h", "1h1h", "-5s", "1.5h", "5min", "30M",
                          "99999d", "999999999999999999999s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(Duration, RoundTrip) {
  for (const int count : {0, 1, 59, 60, 61, 3600, 5400, 86399, 86400, 1'209'600, 90'061}) {
    EXPECT_EQ(*parse_duration(duration_text(seconds(count))), seconds(count)) << count;
  }
}

TEST(Size, NeedsUnits) {
  EXPECT_EQ(*parse_size("2GiB"), 2ULL << 30U);
  EXPECT_EQ(*parse_size("512M"), 512'000'000U);
  EXPECT_EQ(*parse_size("512Mi"), 512ULL << 20U);
  EXPECT_EQ(*parse_size("1.5G"), 1'500'000'000U);
  EXPECT_EQ(*parse_size("64kb"), 64'000U);
  for (const auto* bad :
       {"", "512", "GiB", "2 GiB", "-1G", "1e3M", "1..5G", "2GX", "9999999999T", "1001T"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
}

TEST(Size, RoundTrip) {
  for (const std::uint64_t bytes :
       {std::uint64_t{1}, std::uint64_t{999}, std::uint64_t{1024}, std::uint64_t{1'000'000},
        std::uint64_t{2} << 30U, std::uint64_t{1'500'000'000}, std::uint64_t{123'456'789}}) {
    EXPECT_EQ(*parse_size(size_text(bytes)), bytes) << size_text(bytes);
  }
}

TEST(Moment, DayMeansItsEnd) {
  EXPECT_EQ(to_iso8601(*parse_moment("2026-12-01")), "2026-12-02T00:00:00.000000Z");
  EXPECT_EQ(to_iso8601(*parse_moment("2026-12-01T18:00:00Z")), "2026-12-01T18:00:00.000000Z");
  EXPECT_EQ(to_iso8601(*parse_moment("2026-12-01T18:00+01:00")), "2026-12-01T17:00:00.000000Z");
  EXPECT_EQ(to_iso8601(*parse_moment("2026-12-01 18:00:30-0530")), "2026-12-01T23:30:30.000000Z");
  EXPECT_EQ(to_iso8601(*parse_moment("2028-02-29")), "2028-03-01T00:00:00.000000Z");
  for (const auto* bad : {"", "2026-12", "2026-02-30", "2026-13-01", "01/12/2026",
                          "2026-12-01T18:00", "2026-12-01T25:00Z", "2026-12-01T18:00Zx",
                          "2026-12-01T", "1999-12-31", "9999-01-01", "2026-12-01T18:00+1:00"}) {
    EXPECT_FALSE(parse_moment(bad)) << bad;
  }
}

TEST(Numbers, Strict) {
  EXPECT_EQ(*parse_count("60"), 60U);
  EXPECT_DOUBLE_EQ(*parse_number("1.5"), 1.5);
  for (const auto* bad : {"", "-1", "1.0", "0x10", "1_000", "12345678901234567890"})
    EXPECT_FALSE(parse_count(bad)) << bad;
  for (const auto* bad : {"", "-1", ".5", "1e3", "nan", "inf", "1,5"})
    EXPECT_FALSE(parse_number(bad)) << bad;
}

TEST(Boolean, OnlyTrueAndFalse) {
  EXPECT_TRUE(*parse_boolean("true"));
  EXPECT_FALSE(*parse_boolean("false"));
  EXPECT_NE(parse_boolean("yes").error().message().find("write `true`"), std::string::npos);
  EXPECT_NE(parse_boolean("Off").error().message().find("write `false`"), std::string::npos);
  EXPECT_FALSE(parse_boolean("maybe"));
}

TEST(Listen, AddressAndPort) {
  EXPECT_EQ(listen_text(*parse_listen("127.0.0.1:8000")), "127.0.0.1:8000");
  EXPECT_EQ(listen_text(*parse_listen("[::1]:0")), "[::1]:0");
  EXPECT_TRUE(is_loopback(*parse_listen("[::1]:1")));
  EXPECT_TRUE(is_loopback(*parse_listen("127.9.0.1:1")));
  EXPECT_FALSE(is_loopback(*parse_listen("0.0.0.0:1")));
  for (const auto* bad :
       {"", "8000", ":8000", "*:8000", "localhost:8000", "::1:8000", "127.0.0.1", "127.0.0.1:99999",
        "127.0.0.1:http", "[::1]", "[]:1", "256.0.0.1:1", "[127.0.0.1:1"}) {
    EXPECT_FALSE(parse_listen(bad)) << bad;
  }
}

TEST(Network, CheckedAndNormalised) {
  EXPECT_EQ(*parse_network("10.0.0.0/8"), "10.0.0.0/8");
  EXPECT_EQ(*parse_network("192.168.1.7"), "192.168.1.7/32");
  EXPECT_EQ(*parse_network("FD00::/8"), "fd00::/8");
  EXPECT_EQ(*parse_network("::1"), "::1/128");
  EXPECT_EQ(*parse_network("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_NE(parse_network("10.1.2.3/8").error().message().find("10.0.0.0/8"), std::string::npos);
  for (const auto* bad :
       {"", "10.0.0.0/33", "10.0.0/8", "example.fr", "10.0.0.0/", "::1/129", "/8", "10.0.0.0/-1"}) {
    EXPECT_FALSE(parse_network(bad)) << bad;
  }
}

TEST(Colour, ContrastIsChecked) {
  EXPECT_EQ(*parse_colour("#1F5FBF"), "#1f5fbf");
  EXPECT_EQ(*parse_colour("#15b"), "#1155bb");
  EXPECT_EQ(*parse_colour("#767676"), "#767676");  // 4.54 to 1, the lightest grey that passes
  EXPECT_FALSE(parse_colour("#777777"));           // 4.48 to 1
  const std::string advice = parse_colour("#ffcc00").error().message();
  const std::size_t at = advice.rfind('#');
  EXPECT_TRUE(parse_colour(advice.substr(at, 7))) << advice;
  for (const auto* bad :
       {"", "blue", "#12", "#12345", "#1234567", "1f5fbf", "#-1-1-1", "#gggggg", "# 1 1 1"}) {
    EXPECT_FALSE(parse_colour(bad)) << bad;
  }
}

TEST(PublicUrl, PathIsTheBase) {
  EXPECT_EQ(parse_public_url("https://jupyter.example.fr")->base_url, "/");
  EXPECT_EQ(parse_public_url("https://jupyter.example.fr/")->base_url, "/");
  EXPECT_EQ(parse_public_url("HTTPS://jupyter.example.fr:8443/a/b")->base_url, "/a/b/");
  EXPECT_EQ(parse_public_url("http://[::1]:8000/")->host, "::1");
  for (const auto* bad : {"",
                          "jupyter.example.fr",
                          "ftp://a",
                          "https://",
                          "https:///x",
                          "https://a@b",
                          "https://a?x",
                          "https://a#x",
                          "https://a//b",
                          "https://a/../b",
                          "https://a/%2e",
                          "https://a b",
                          "https://-a",
                          "https://a:0",
                          "https://a:x",
                          "https://[::1",
                          "https://[1.2.3.4]",
                          "https://a/b//",
                          "https://a_b",
                          "https://a\\b",
                          "javascript://x"}) {
    EXPECT_FALSE(parse_public_url(bad)) << bad;
  }
}

TEST(Link, OnlyWhereALinkMayLead) {
  for (const auto* fine : {"https://a.fr/x?y#z", "http://a", "mailto:a@b.fr", "/hub/home", "/"})
    EXPECT_TRUE(parse_link(fine)) << fine;
  for (const auto* bad : {"", "javascript:alert(1)", "//evil", "/\\evil", "data:x", "https://a b",
                          "hub/home", "JAVASCRIPT:x", "/\"x"}) {
    EXPECT_FALSE(parse_link(bad)) << bad;
  }
}

}  // namespace
}  // namespace passerelle::config
