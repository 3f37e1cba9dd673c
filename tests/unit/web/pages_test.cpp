#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "samples.hpp"
#include "web/assets.hpp"

namespace passerelle::web {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Renderer& renderer() {
  static const std::unique_ptr<Renderer> made = [] {
    auto result = Renderer::make("/", {});
    if (!result) throw std::runtime_error(result.error().message());
    return std::move(*result);
  }();
  return *made;
}

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = read_samples(TEST_DATA "/pages");
  return all;
}

const Sample& sample(std::string_view name) {
  for (const Sample& each : samples())
    if (each.name == name) return each;
  throw std::runtime_error("no sample " + std::string(name));
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + what.size()))
    ++found;
  return found;
}

TEST(Pages, every_template_has_a_sample_that_fits_its_contract) {
  std::set<std::string> shown;
  for (const Sample& each : samples()) {
    EXPECT_THAT(renderer().complaints(each.page, each.view), IsEmpty()) << each.name;
    shown.insert(each.page);
  }
  for (std::size_t i = 0; i < kAssetCount; ++i) {
    const std::string_view path = kAssets[i].path;
    if (!path.starts_with("templates/") || path.starts_with("templates/_")) continue;
    const std::string_view page = path.substr(10, path.find('.') - 10);
    EXPECT_TRUE(shown.contains(std::string(page))) << page;
  }
}

TEST(Pages, templates_escape_everything_and_hold_no_script_or_style) {
  for (std::size_t i = 0; i < kAssetCount; ++i) {
    if (!kAssets[i].path.starts_with("templates/")) continue;
    const std::string_view content = kAssets[i].content;
    for (const char* banned :
         {"{{{", "{{&", "{{=", "<style", " style=", "javascript:", " onclick", " onload", "://"})
      EXPECT_EQ(count(content, banned), 0U) << kAssets[i].path << " " << banned;
    EXPECT_EQ(count(content, "<script"), count(content, "<script type=\"module\" src=\""))
        << kAssets[i].path;
    // What goes to another site must not carry our token.
    EXPECT_EQ(
        count(content, "method=\"post\"") - count(content, "<form id=\"post\" method=\"post\""),
        count(content, "{{> csrf}}") + count(content, "frame.csrf_field") -
            (kAssets[i].path.ends_with("_csrf.mustache") ? 1U : 0U))
        << kAssets[i].path;
  }
}

TEST(Pages, are_whole_in_every_language) {
  for (const Sample& each : samples())
    for (const std::string_view language : kLanguages) {
      Frame frame = each.frame;
      frame.language = language;
      const std::string html = renderer().page(each.page, frame, each.view);
      EXPECT_THAT(html, HasSubstr("<html lang=\"" + std::string(language) + "\">")) << each.name;
      EXPECT_EQ(count(html, "<h1"), 1U) << each.name;
      EXPECT_EQ(count(html, "<title>"), 1U) << each.name;
      for (const char* left : {"{{", "}}", "[[", "]]", "$say", "$moment"})
        EXPECT_EQ(count(html, left), 0U) << each.name << left;
      EXPECT_TRUE(html.ends_with("</html>\n")) << each.name;
    }
}

// Every string leaf replaced by the payload; what we wrap ourselves ("$say" and its key) stays.
Json poisoned(const Json& view, const std::string& payload) {
  Json out = view;
  if (view.is_string()) return payload;
  if (!view.is_structured()) return out;
  for (auto item = out.begin(); item != out.end(); ++item) {
    const bool our_key = out.is_object() && item.key() == "$say";
    if (!our_key) *item = poisoned(*item, payload);
  }
  return out;
}

TEST(Pages, nothing_a_view_holds_becomes_markup) {
  const std::string harmless = "xxxxxxxx";
  for (const char* payload :
       {"\"><script>alert(1)</script>", "'><img src=x onerror=alert(1)>", "</title></textarea>-->",
        "{{frame.csrf}}{{{brand}}}[[home.title]]", "&lt;script&gt;<svg/onload=alert(1)>"}) {
    for (const Sample& each : samples()) {
      Frame bad_frame = each.frame;
      Frame good_frame = each.frame;
      bad_frame.csrf = bad_frame.path = payload;
      good_frame.csrf = good_frame.path = harmless;
      if (bad_frame.person) bad_frame.person->display_name = payload;
      if (good_frame.person) good_frame.person->display_name = harmless;
      if (bad_frame.notice) bad_frame.notice->text = payload;
      if (good_frame.notice) good_frame.notice->text = harmless;
      const std::string bad = renderer().page(each.page, bad_frame, poisoned(each.view, payload));
      const std::string good =
          renderer().page(each.page, good_frame, poisoned(each.view, harmless));
      for (const char* mark : {"<", ">", "\"", "'"})
        EXPECT_EQ(count(bad, mark), count(good, mark)) << each.name << mark;
      EXPECT_THAT(bad, Not(HasSubstr("alert(1)</script>"))) << each.name;
    }
  }
}

TEST(Pages, a_tag_in_a_value_is_shown_not_run) {
  Sample each = sample("welcome");
  each.view["name"] = "{{pin}}";
  EXPECT_EQ(
      count(renderer().page("welcome", each.frame, each.view), each.view["pin"].get<std::string>()),
      1U);
}

TEST(Pages, what_is_missing_is_told_and_left_out) {
  Sample each = sample("welcome");
  each.view.erase("pin");
  EXPECT_THAT(renderer().complaints("welcome", each.view), ::testing::ElementsAre("pin: missing"));
  EXPECT_THAT(renderer().page("welcome", each.frame, each.view), HasSubstr("</html>"));
  EXPECT_THAT(renderer().page("nonsense", each.frame, each.view), IsEmpty());
}

TEST(Pages, language_links_come_back_to_this_page) {
  const Sample& each = sample("home");
  Frame frame = each.frame;
  frame.path = "/hub/spawn?a=1&b=2";
  frame.language = "fr";
  const std::string html = renderer().page("home", frame, each.view);
  EXPECT_THAT(html,
              HasSubstr("href=\"/hub/language?to=en&amp;next=%2Fhub%2Fspawn%3Fa%3D1%26b%3D2\""));
  EXPECT_THAT(html, HasSubstr("<span lang=\"fr\" aria-current=\"true\">Français</span>"));
}

TEST(Renderer, base_url_and_branding_reach_every_page) {
  config::Branding branding;
  branding.name = "Notebooks <of> Lyon";
  branding.colour = "#a4123f";
  branding.links = {{{{"en", "Help"}, {"fr", "Aide"}}, "https://help.example.org/?a=1&b=2"}};
  const auto made = Renderer::make("/nb/", branding);
  ASSERT_TRUE(made);
  Frame frame = sample("home").frame;
  frame.language = "fr";
  const std::string html = (*made)->page("home", frame, sample("home").view);
  EXPECT_THAT(html, HasSubstr("<span>Notebooks &lt;of&gt; Lyon</span>"));
  EXPECT_THAT(html, HasSubstr("<a href=\"https://help.example.org/?a=1&amp;b=2\">Aide</a>"));
  EXPECT_THAT(html, HasSubstr("action=\"/nb/hub/logout\""));
  EXPECT_THAT(html,
              HasSubstr("\"/nb/hub/static/style.css?v=" + (*made)->file("style.css")->hash + "\""));
  EXPECT_NE((*made)->file("branding.css")->content, renderer().file("branding.css")->content);
}

TEST(Renderer, refuses_branding_that_cannot_be_used) {
  config::Branding branding;
  branding.colour = "red;}";
  EXPECT_FALSE(Renderer::make("/", branding));
  branding = {};
  branding.logo = "/nonexistent/logo.svg";
  EXPECT_FALSE(Renderer::make("/", branding));
  branding = {};
  branding.links = {{{}, "javascript:alert(1)"}};
  EXPECT_FALSE(Renderer::make("/", branding));
}

TEST(Renderer, serves_its_files_and_no_others) {
  EXPECT_EQ(renderer().file("style.css")->content_type, "text/css; charset=utf-8");
  EXPECT_EQ(renderer().file("progress.js")->content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(renderer().file("logo")->content_type, "image/svg+xml");
  for (const char* other :
       {"", "..", "../messages.en.json", "templates/home.mustache", "/style.css"})
    EXPECT_EQ(renderer().file(other), nullptr) << other;
}

// 60 KB is the limit for page, styles, scripts and pictures together; uncompressed here, so that
// there is room.
TEST(Renderer, pages_are_light) {
  std::size_t fetched = 0;
  for (std::size_t i = 0; i < kAssetCount; ++i)
    if (kAssets[i].path.starts_with("static/")) fetched += kAssets[i].content.size();
  for (const Sample& each : samples())
    EXPECT_LT(renderer().page(each.page, each.frame, each.view).size() + fetched, 60U << 10U)
        << each.name;
}

}  // namespace
}  // namespace passerelle::web
