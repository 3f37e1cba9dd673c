#include "web/branding.hpp"

#include <gtest/gtest.h>

namespace passerelle::web {
namespace {

Colour value_of(const std::string& css, std::string_view name, std::size_t from) {
  const std::size_t at = css.find(std::string(name) + ":#", from);
  return *parse_colour(std::string_view(css).substr(at + name.size() + 1, 7));
}

TEST(Branding, reads_colours_and_refuses_the_rest) {
  EXPECT_EQ(to_text(*parse_colour("#1f5fbf")), "#1f5fbf");
  EXPECT_EQ(to_text(*parse_colour("#15B")), "#1155bb");
  for (const char* bad : {"", "#", "1f5fbf", "#1f5fb", "#1f5fbg", "red", "#fff;}body{display:none"})
    EXPECT_FALSE(parse_colour(bad)) << bad;
}

TEST(Branding, contrast_is_that_of_the_standard) {
  EXPECT_NEAR(contrast({1, 1, 1}, {0, 0, 0}), 21.0, 0.01);
  EXPECT_NEAR(contrast(*parse_colour("#777777"), {1, 1, 1}), 4.48, 0.01);
}

// Whatever colour a site picks, text in it and on it can be read in both themes.
TEST(Branding, every_colour_is_made_legible) {
  const Colour paper = *parse_colour("#eef1f3");
  const Colour night = *parse_colour("#22272d");
  for (const char* colour :
       {"#000000", "#ffffff", "#1f5fbf", "#ffd500", "#ff0000", "#00ff00", "#0000ff", "#808080"}) {
    const std::string css = branding_css(*parse_colour(colour));
    const std::size_t dark = css.find("@media");
    EXPECT_GE(contrast(value_of(css, "--accent", 0), paper), 4.5) << colour;
    EXPECT_GE(contrast(value_of(css, "--accent", dark), night), 4.5) << colour;
    for (const std::size_t from : {std::size_t{0}, dark})
      for (const char* surface : {"--accent", "--accent-strong"})
        EXPECT_GE(contrast(value_of(css, surface, from), value_of(css, "--on-accent", from)), 4.5)
            << colour << surface;
  }
}

}  // namespace
}  // namespace passerelle::web
