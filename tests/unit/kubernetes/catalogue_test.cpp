// Catalogues: which versions, which charts, and entries that are none.
#include "spawners/kubernetes/catalogue.hpp"

#include <gtest/gtest.h>

namespace passerelle::spawners::kubernetes {
namespace {

const std::string kDigest(64, 'a');

std::string entry(const std::string& version, const std::string& more = "") {
  return "{version: " + version + ", digest: " + kDigest + ", urls: [x-" + version + ".tgz]" +
         more + "}";
}

CatalogueList listed(const std::string& entries, config::KubernetesProfile wanted = {}) {
  auto list = read_index("apiVersion: v1\nentries: {" + entries + "}",
                         "https://charts.example.fr/ide", wanted);
  EXPECT_TRUE(list) << list.error().message();
  return list ? *list : CatalogueList();
}

TEST(Versions, AreOrderedAsSemanticVersioningSays) {
  const char* kOrder[] = {"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
                          "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
                          "1.0.0-rc.1",  "1.0.0",         "1.9.0",
                          "1.10.0",      "10.0.0"};
  for (std::size_t i = 1; i < std::size(kOrder); ++i) {
    EXPECT_TRUE(newer(kOrder[i], kOrder[i - 1])) << kOrder[i];
    EXPECT_FALSE(newer(kOrder[i - 1], kOrder[i])) << kOrder[i];
  }
  EXPECT_FALSE(newer("1.0.0+a", "1.0.0+b"));
}

TEST(Index, OffersTheNewestOfEach) {
  config::KubernetesProfile wanted;
  wanted.versions = 2;
  const auto list = listed("b: [" + entry("1.9.0") + "," + entry("1.10.0") + "," + entry("1.0.0") +
                               "," + entry("2.0.0-rc.1") + "], a: [" + entry("0.1.0-dev") + "]",
                           wanted);
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].version, "0.1.0-dev");
  EXPECT_EQ(list[1].version, "1.10.0");
  EXPECT_EQ(list[2].version, "1.9.0");
  EXPECT_EQ(list[1].place, "https://charts.example.fr/ide/x-1.10.0.tgz");
  EXPECT_EQ(chosen(list, "b", "")->version, "1.10.0");
  EXPECT_EQ(chosen(list, "b", "1.9.0")->version, "1.9.0");
  EXPECT_EQ(chosen(list, "b", "1.0.0"), nullptr);
  EXPECT_EQ(chosen(list, "c", ""), nullptr);
}

TEST(Index, LeavesOutWhatIsNotWantedOrNoChart) {
  config::KubernetesProfile wanted;
  wanted.charts = {"jupyter-*", "r"};
  EXPECT_EQ(listed("jupyter-python: [" + entry("1.0.0") + "], r: [" + entry("1.0.0") +
                       "], rstudio: [" + entry("1.0.0") + "]",
                   wanted)
                .size(),
            2U);
  EXPECT_TRUE(listed("a: [{version: 1.0.0, urls: [x]}], b: [{digest: " + kDigest +
                     ", urls: [x]}], c: [" + entry("1.0.0", ", deprecated: true") + "], d: [" +
                     entry("1.0.0", ", type: library") +
                     "], e: 1, f: [1, null], g: [{version: 1, digest: " + kDigest +
                     ", urls: []}], ../h: [" + entry("1.0.0") + "], i: [" + entry("1.0.0/../../x") +
                     "], -j: [" + entry("1.0.0") + "]")
                  .empty());
}

TEST(Index, ThatIsNoneIsRefused) {
  for (const char* text : {"", "[]", "entries: 1", "{", "a: &a [*a]"})
    EXPECT_FALSE(read_index(text, "https://x", {})) << text;
}

TEST(Index, UrlsMayBeAnywhere) {
  const auto place = [](const std::string& url) {
    return listed("a: [{version: 1.0.0, digest: " + kDigest + ", urls: ['" + url + "']}]")
        .at(0)
        .place;
  };
  EXPECT_EQ(place("charts/a.tgz"), "https://charts.example.fr/ide/charts/a.tgz");
  EXPECT_EQ(place("/a.tgz"), "https://charts.example.fr/a.tgz");
  EXPECT_EQ(place("https://elsewhere.example.fr/a.tgz"), "https://elsewhere.example.fr/a.tgz");
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
