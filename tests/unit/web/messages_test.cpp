#include "web/messages.hpp"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/cause.hpp"

namespace passerelle::web {
namespace {

const Messages& messages() {
  static const Messages loaded = *Messages::load();
  return loaded;
}

TEST(Negotiate, the_persons_choice_wins_then_the_browsers_weights) {
  EXPECT_EQ(negotiate("", ""), "en");
  EXPECT_EQ(negotiate("fr", ""), "fr");
  EXPECT_EQ(negotiate("fr-CA,en;q=0.9", ""), "fr");
  EXPECT_EQ(negotiate("de, en;q=0.5, fr;q=0.8", ""), "fr");
  EXPECT_EQ(negotiate("fr;q=0, en;q=0.1", ""), "en");
  EXPECT_EQ(negotiate("FR-fr ; q=1.000", ""), "fr");
  EXPECT_EQ(negotiate("fr", "en"), "en");
  EXPECT_EQ(negotiate("fr", "xx"), "fr");
}

TEST(Negotiate, survives_whatever_is_sent) {
  for (const char* odd : {",", ";;;", "fr;q=", "fr;q=2;", "fr;q=0.12345", "q=1", "\xff\xfe"})
    EXPECT_TRUE(negotiate(odd, odd) == "en" || negotiate(odd, odd) == "fr") << odd;
  EXPECT_EQ(negotiate(std::string(100000, ',') + "fr", ""), "en");
}

TEST(Messages, fill_in_their_placeholders_once) {
  EXPECT_EQ(messages().text("fr", "time.ago.hours", {{"count", "3"}}), "il y a 3 h");
  EXPECT_EQ(messages().text("en", "time.ago.hours", {{"count", "{count}"}}), "{count} h ago");
  EXPECT_EQ(messages().text("en", "time.ago.hours"), " h ago");
  EXPECT_EQ(messages().text("en", "no.such-key"), "no.such-key");
  EXPECT_EQ(messages().text("xx", "frame.sign-out"), "Sign out");
}

TEST(Messages, every_cause_and_status_has_its_words) {
  for (int cause = 0; cause <= static_cast<int>(Cause::cancelled); ++cause)
    for (const char* part : {"title", "sentence", "person", "admin"})
      EXPECT_TRUE(messages().find(
          "en", "cause." + std::string(to_string(static_cast<Cause>(cause))) + "." + part))
          << to_string(static_cast<Cause>(cause)) << part;
  for (const int status :
       {400, 401, 403, 404, 405, 408, 413, 414, 421, 422, 429, 431, 500, 502, 503, 504})
    for (const char* part : {"title", "sentence", "advice"})
      EXPECT_TRUE(messages().find("fr", "error." + std::to_string(status) + "." + part))
          << status << part;
}

// Sentences are for people: typographic apostrophes, no double blanks, a no-break space before
// French double signs.
TEST(Messages, are_set_with_care) {
  static const std::regex kBad("'|  |^ | $| [;:?!](\\s|$)");
  for (const std::string_view language : kLanguages)
    for (const std::string_view key : messages().keys())
      EXPECT_FALSE(std::regex_search(*messages().find(language, key), kBad))
          << language << " " << key;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Keys as C++ names them: "sign-in.wrong-password". A key made of parts names its family: "cause."
// + code.
std::set<std::string> keys_in_code() {
  static const std::regex kKey("\"([a-z][a-z-]*\\.[a-z0-9.-]*)\"");
  std::set<std::string> keys;
  for (const char* folder : {"auth", "hub", "spawners", "web"}) {
    const std::filesystem::path root = std::filesystem::path(SOURCE_DIR) / folder;
    if (!std::filesystem::exists(root)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
      const std::string text = read(entry.path());
      for (std::sregex_iterator at(text.begin(), text.end(), kKey), end; at != end; ++at)
        keys.insert((*at)[1]);
    }
  }
  return keys;
}

std::string templates() {
  std::string all;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(SOURCE_DIR) / "web/templates"))
    all += read(entry.path());
  return all;
}

// Sign-in methods and the hub's answers name these; a method may be left out of a build, its words
// stay.
constexpr const char* kNamedByPlugIns[] = {"sign-in.", "notice."};

TEST(Messages, each_one_is_used) {
  std::set<std::string> code = keys_in_code();
  code.insert(std::begin(kNamedByPlugIns), std::end(kNamedByPlugIns));
  const std::string pages = templates();
  for (const std::string_view key : messages().keys()) {
    const std::string whole(key);
    bool used = pages.find("[[" + whole + "]]") != std::string::npos || code.contains(whole);
    for (std::size_t dot = whole.find('.'); dot != std::string::npos && !used;
         dot = whole.find('.', dot + 1))
      used = code.contains(whole.substr(0, dot + 1));
    EXPECT_TRUE(used) << key;
  }
}

// The families that code names outside of templates; other literals with a dot may be file names.
TEST(Messages, what_code_names_exists) {
  for (const std::string& key : keys_in_code()) {
    const bool whole = !key.ends_with('.');
    for (const char* family : {"sign-in.", "notice.", "ended.", "cause."})
      if (whole && key.starts_with(family)) {
        EXPECT_TRUE(messages().find("en", key)) << key;
      }
  }
}

}  // namespace
}  // namespace passerelle::web
