#include "base/text.hpp"

#include <gtest/gtest.h>

namespace passerelle::text {
namespace {

// CVE-2019-10255, CVE-2026-33709: whatever a browser would take to another origin is refused.
TEST(SafeNext, RefusesEveryWayOut) {
  for (const char* target : {"",
                             "//evil.example",
                             "/\\evil.example",
                             "\\/evil",
                             "https://evil.example",
                             "javascript:alert(1)",
                             "relative",
                             "/\t/evil.example",
                             "/\n/evil.example",
                             "/ /evil",
                             "////evil",
                             "/.//evil.example",
                             "/a/..//evil.example",
                             "/%2e//evil.example",
                             "/a\\b",
                             "/\x01",
                             "/caf\xc3\xa9",
                             "@evil",
                             "?next=/x",
                             "#x"})
    EXPECT_FALSE(safe_next(target)) << target;
  EXPECT_FALSE(safe_next("/" + std::string(2000, 'a')));
}

TEST(SafeNext, KeepsOurOwnPathsByteForByte) {
  for (const char* target :
       {"/", "/hub/home", "/user/alice/lab/tree/a%20b.ipynb?reset&x=//y#cell", "/a//b", "/a/../b"})
    EXPECT_EQ(safe_next(target), target);
}

TEST(Form, DecodesFieldsInOrder) {
  const auto form = parse_form("a=1&b=x+y%26z&a=2&empty=&flag");
  ASSERT_TRUE(form);
  EXPECT_EQ(*form, (Form{{"a", "1"}, {"b", "x y&z"}, {"a", "2"}, {"empty", ""}, {"flag", ""}}));
  EXPECT_EQ(field(*form, "a"), "1");
  EXPECT_EQ(field(*form, "none"), "");
  EXPECT_FALSE(parse_form("a=%zz"));
  EXPECT_FALSE(parse_form("a=%4"));
}

TEST(Json, EscapesControlsAndBrokenUtf8) {
  std::string out;
  append_json_string(out, "a\"\\\n\x7f\xff\xc3\xa9\xed\xa0\x80");
  EXPECT_EQ(out,
            "\"a\\\"\\\\\\u000A\\u007F\xEF\xBF\xBD\xc3\xa9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(Html, EscapesAllFiveCharacters) {
  EXPECT_EQ(html_escape("<a b='\"&\">"), "&lt;a b=&#39;&quot;&amp;&quot;&gt;");
}

TEST(Closest, SuggestsWithinTwoEdits) {
  const std::vector<std::string_view> known = {"listen", "limits", "public_url"};
  EXPECT_EQ(closest("lisen", known), "listen");
  EXPECT_EQ(closest("publik_url", known), "public_url");
  EXPECT_EQ(closest("zebra", known), "");
}

}  // namespace
}  // namespace passerelle::text
