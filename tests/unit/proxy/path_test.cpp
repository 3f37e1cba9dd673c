// Paths: what is resolved, what stays byte for byte, what is refused. Numbers are the list's.
#include "proxy/path.hpp"

#include <string>

#include <gtest/gtest.h>

namespace passerelle::proxy {
namespace {

/// The canonical path, or "refused".
std::string canonical(std::string path, std::size_t guarded = 2) {
  const CanonicalPath result = canonicalise(path, guarded);
  return result.refusal.empty() ? path.substr(path.size() - result.size) : "refused";
}

struct Row {
  const char* path;
  const char* canonical;
};

TEST(Path, r18_r19_resolves_dot_segments) {
  const Row rows[] = {
      {"/", "/"},
      {"/.", "/"},
      {"/./", "/"},
      {"/..", "/"},
      {"/../", "/"},
      {"/../../a", "/a"},
      {"/a/.", "/a/"},
      {"/a/..", "/"},
      {"/a/b/..", "/a/"},
      {"/a/b/../", "/a/"},
      {"/a/./b/../../c/./d", "/c/d"},
      {"/a/%2e/b", "/a/b"},
      {"/a/%2E%2e/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/a/%2E./b", "/b"},
      {"/a/...", "/a/..."},
      {"/a/%2e%2e%2e", "/a/%2e%2e%2e"},
      {"/a/..b", "/a/..b"},
      {"/a/b..", "/a/b.."},
      {"/.a", "/.a"},
      {"/%2ea", "/%2ea"},
      {"/user/alice/../bob/x", "/user/bob/x"},
      {"/a//../b", "/a/b"},
      {"/a/..//b", "//b"},
      {"/a/../%2e%2e/../b/..", "/"},
  };
  for (const Row& row : rows) EXPECT_EQ(canonical(row.path), row.canonical) << row.path;
}

TEST(Path, r20_r24_leaves_everything_else_alone) {
  const char* const paths[] = {
      "/a%252e%252e/b",
      "/user/a/%252e%252e/b",
      "/user/a/api/contents/b%2Fc",
      "/user/a/api/contents/b%5Cc",
      "/user/a/files/%E9t%E9",
      "/user/a/x%0d%0a",
      "/user/a+b;c~d@e:f/!$&'()*,=|{}^`\"<>[]",
      "/user/a//b///c",
      "//user/a",
      "/user/f%6Fo/",
      "/user/caf%C3%A9/",
      "/user/a%3Fb/",
  };
  for (const char* const path : paths) EXPECT_EQ(canonical(path), path);
}

TEST(Path, r14_r16_refuses_what_may_be_read_in_two_ways) {
  const char* const paths[] = {
      "",
      "a",
      "*",
      "/a b",
      "/a\tb",
      "/caf\xc3\xa9",
      "/a\x7f",
      "/a\\b",
      "/a#b",
      "/%",
      "/%2",
      "/%zz",
      "/%2g",
      "/%00",
      "/a/b/c/d%00",
      "/user/a/%",
      "/user%2fa/",
      "/user/a%2Fb",
      "/user/a%5cb",
      "/%2f/a",
      "/user/a%0d",
      "/user/a%7f/x",
      "/user/%ff/",
      "/user/%c3%28/x",
      "/user/%C0%AF/x",
      "/user/%ED%A0%80/x",
  };
  for (const char* const path : paths) EXPECT_EQ(canonical(path), "refused") << path;
}

TEST(Path, guards_the_canonical_segments_not_the_written_ones) {
  EXPECT_EQ(canonical("/a/b/../../user/c%2fd/"), "refused");
  EXPECT_EQ(canonical("/user/x%2fy/../a/"), "/user/a/");
  EXPECT_EQ(canonical("/jupyter/user/a%2fb/", 3), "refused");
  EXPECT_EQ(canonical("/jupyter/user/a%2fb/", 2), "/jupyter/user/a%2fb/");
  EXPECT_EQ(canonical("/user/" + std::string(2000, 'a') + "%41/"), "refused");
}

TEST(Path, stays_at_the_end_of_its_bytes) {
  std::string text = "/a/../b?q";
  const CanonicalPath path = canonicalise(std::span(text.data(), 7), 2);
  EXPECT_EQ(path.size, 2U);
  EXPECT_EQ(text.substr(7 - path.size), "/b?q");
}

}  // namespace
}  // namespace passerelle::proxy
