// A chart's notes are somebody else's words: what a page makes of them is text, and links that lead
// to http or https.
#include "hub/releases.hpp"

#include <gtest/gtest.h>

namespace passerelle::hub {
namespace {

using nlohmann::json;

json pieces(std::string_view words) {
  const json blocks = notes_view(words);
  return blocks.empty() ? json::array() : blocks[0]["words"]["pieces"];
}

TEST(Notes, KnowALittleMarkdown) {
  const json blocks = notes_view(
      "# Ready\nPassword: **x**\nsee [docs](https://d.example/a) `ls`\n\n```\na <b>\n```\n");
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(blocks[0]["heading"], "Ready");
  const json expected = {{{"plain", "Password: "}},
                         {{"strong", "x"}},
                         {{"line_end", true}},
                         {{"plain", "see "}},
                         {{"link", "https://d.example/a"}, {"label", "docs"}},
                         {{"plain", " "}},
                         {{"mono", "ls"}}};
  EXPECT_EQ(blocks[1]["words"]["pieces"], expected);
  EXPECT_EQ(blocks[2]["code"], "a <b>\n");
}

TEST(Notes, BareAddressesEndBeforeTheFullStop) {
  const json expected = {{{"plain", "Open "}},
                         {{"link", "http://x.example/?a=1"}, {"label", "http://x.example/?a=1"}},
                         {{"plain", "."}}};
  EXPECT_EQ(pieces("Open http://x.example/?a=1."), expected);
}

TEST(Notes, NothingElseIsALink) {
  for (const char* words :
       {"[x](javascript:alert(1))", "[x](data:text/html,x)", "javascript:alert(1)",
        "[x](//evil.example)", "<a href=\"https", "[x](HTTPS://x)", "[x](", "**open", "`open"})
    for (const json& piece : pieces(words)) EXPECT_FALSE(piece.contains("link")) << words;
}

TEST(Notes, AreBounded) {
  EXPECT_TRUE(notes_view("").empty());
  EXPECT_TRUE(notes_view("\n \n\x01\x02\n").empty());
  const std::string much(1U << 20U, '*');
  EXPECT_LE(notes_view(much).dump().size(), 1U << 20U);
  std::string cut(16U * 1024U - 1, 'a');
  cut += "\xc3\xa9";  // a character that the bound cuts in two
  EXPECT_NO_THROW(notes_view(cut).dump());
}

}  // namespace
}  // namespace passerelle::hub
