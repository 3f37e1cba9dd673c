#include "config/document.hpp"

#include <gtest/gtest.h>

namespace passerelle::config {
namespace {

std::string problem_of(std::string_view text) {
  Problems problems;
  const auto document = parse_document(text, problems);
  const auto list = problems.take();
  EXPECT_EQ(document.has_value(), list.empty());
  return list.empty() ? "" : to_string(list.front(), "f");
}

Value good(std::string_view text) {
  Problems problems;
  auto document = parse_document(text, problems);
  EXPECT_TRUE(document);
  EXPECT_EQ(problems.errors(), 0U);
  return document ? *document : Value();
}

TEST(Document, ScalarsStayText) {
  const Value root = good("a: no\nb: 1e3\nc: \"null\"\nd: null\ne: 012\n");
  EXPECT_EQ(root.find("a")->text, "no");
  EXPECT_EQ(root.find("b")->text, "1e3");
  EXPECT_EQ(root.find("c")->text, "null");
  EXPECT_FALSE(root.find("c")->plain);
  EXPECT_EQ(root.find("d")->kind, Value::Kind::null);
  EXPECT_EQ(root.find("e")->text, "012");
  EXPECT_EQ(root.find("f"), nullptr);
}

TEST(Document, MarksCountCharactersFromOne) {
  const Value root = good("a: {b: [x, y]}\n\"été\": {ü: {c: d}}\n");
  EXPECT_EQ(root.find("a")->find("b")->items[1].mark, (Mark{1, 12}));
  EXPECT_EQ(root.entries[1].mark, (Mark{2, 1}));
  EXPECT_EQ(root.entries[1].value.entries[0].value.find("c")->mark, (Mark{2, 16}));
}

TEST(Document, EmptyFileIsAnEmptyMap) {
  EXPECT_EQ(good("").kind, Value::Kind::map);
  EXPECT_EQ(good("# nothing\n").kind, Value::Kind::map);
}

TEST(Document, AliasesAreExpandedAtTheirPlace) {
  const Value root = good("a: &x {k: v}\nb: *x\n");
  EXPECT_EQ(root.find("b")->find("k")->text, "v");
  EXPECT_EQ(root.find("b")->mark, (Mark{2, 4}));
}

TEST(Document, AliasBombIsRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string from = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + from;
    for (int j = 0; j < 8; ++j) text += ", " + from;
    text += "]\n";
  }
  EXPECT_NE(problem_of(text).find("too large"), std::string::npos);
}

TEST(Document, RepeatedLargeTextIsRefused) {
  std::string text = "a: &a " + std::string(900'000, 'x') + "\nb: [*a";
  for (int i = 0; i < 9; ++i) text += ", *a";
  EXPECT_NE(problem_of(text + "]\n").find("too large"), std::string::npos);
}

TEST(Document, DepthAndSizeAreBounded) {
  EXPECT_NE(problem_of("a: " + std::string(40, '[') + std::string(40, ']')).find("nested"),
            std::string::npos);
  EXPECT_NE(problem_of(std::string(100'000, '[')), "");
  EXPECT_NE(problem_of(std::string(kLargestFile + 1, '#')).find("1 MiB"), std::string::npos);
}

TEST(Document, SelfReferenceIsRefused) {
  EXPECT_NE(problem_of("a: &a [*a]\n").find("contains it"), std::string::npos);
}

TEST(Document, NoMessageShowsAValue) {
  for (const std::string text :
       {"password: *hunter22\n", "password: !hunter22 x\n", "password: \"hunter22\\q\"\n",
        "password: 'hunter22\n", "password: @hunter22\n", "password: &hunter22 *hunter22\n",
        "password: {hunter22: [}\n", "password: hunter22: x\n", "%hunter22 x\n--- a\n",
        "password: %hunter22\n", "password: `hunter22\n", "!hunter22!x y: z\n"}) {
    EXPECT_EQ(problem_of(text).find("hunter"), std::string::npos) << problem_of(text);
  }
}

/// The library quotes the character; in a password that is one character too many.
TEST(Document, TheLibrarysQuotationsAreCut) {
  EXPECT_EQ(problem_of("password: \"x\\q\"\n"), "f:1:15: not valid YAML: unknown escape character");
}

}  // namespace
}  // namespace passerelle::config
