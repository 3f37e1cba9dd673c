// Finding a cookie, and knowing ours from those of others.
#include "proxy/cookies.hpp"

#include <array>

#include <gtest/gtest.h>

#include "tests/unit/proxy/head_text.hpp"

namespace passerelle::proxy {
namespace {

using State = CookieSearch::State;
constexpr std::array<std::string_view, 2> kOurs = {"passerelle-", "__Host-passerelle-"};

struct Row {
  const char* lines;
  State state;
  const char* value;
};

TEST(Cookies, finds_one_by_its_whole_name) {
  const Row rows[] = {
      {"", State::absent, ""},
      {"Cookie: id=1\n", State::found, "1"},
      {"Cookie: a=b; id=1; c=d\n", State::found, "1"},
      {"Cookie: a=b;id=1;\n", State::found, "1"},
      {"Cookie: id = 1 ;\n", State::found, "1"},
      {"Cookie: id=\"1\"\n", State::found, "1"},
      {"Cookie: id=\"\n", State::found, "\""},
      {"Cookie: id=a=b\n", State::found, "a=b"},
      {"Cookie: id=\n", State::found, ""},
      {"Cookie: xid=1; idx=2; ID=3\n", State::absent, ""},
      {"Cookie: a=id=1\n", State::absent, ""},
      {"Cookie: ;;;=\n", State::absent, ""},
      {"Cookie: a=b\nCookie: id=1\n", State::found, "1"},
      {"Cookie: id=1; id=2\n", State::ambiguous, ""},
      {"Cookie: id=1; id=1\n", State::ambiguous, ""},
      {"Cookie: id=1\nCookie: id=2\n", State::ambiguous, ""},
      {"Cookie: id=1; id\n", State::ambiguous, ""},
  };
  for (const Row& row : rows) {
    const RequestText text(crlf("GET / HTTP/1.1\nHost: h\n" + std::string(row.lines) + "\n"));
    ASSERT_TRUE(text.complete()) << row.lines;
    const CookieSearch search = find_cookie(text.head, "id");
    EXPECT_EQ(search.state, row.state) << row.lines;
    EXPECT_EQ(search.value, row.value) << row.lines;
  }
}

TEST(Cookies, knows_what_a_server_may_not_set) {
  for (const char* const own :
       {"passerelle-session=1; Path=/", "__Host-passerelle-session=1", "=passerelle-session=1",
        " = passerelle-session=1", "passerelle-session", "passerelle-=1"}) {
    EXPECT_TRUE(sets_own_cookie(own, kOurs)) << own;
  }
  for (const char* const other :
       {"a=passerelle-session", "Passerelle-x=1", "passerell=1", "", "=", "_xsrf=2|a"}) {
    EXPECT_FALSE(sets_own_cookie(other, kOurs)) << other;
  }
}

}  // namespace
}  // namespace passerelle::proxy
