// What a route's policy makes of request targets, Locations and heads, byte for byte.
#include "proxy/route_policy.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/proxy/head_text.hpp"

namespace passerelle::proxy {
namespace {

struct Case {
  std::size_t cut;
  std::string base, query, target, wanted;
};

TEST(RoutePolicy, target_is_cut_by_segments_and_joined) {
  const Case table[] = {
      {0, "", "", "/a/b?c", "/a/b?c"},
      {0, "/base", "", "/a?", "/base/a?"},
      {0, "/base", "q=1", "/a", "/base/a?q=1"},
      {0, "/base", "q=1", "/a?r=2", "/base/a?q=1&r=2"},
      {1, "", "", "/a", "/"},
      {1, "", "", "/a/", "/"},
      {1, "/base", "", "/a", "/base"},
      {1, "/base", "", "/a/", "/base/"},
      {2, "", "", "/a%20b/c/d?e", "/d?e"},
      {2, "", "", "/a%2Fc/d", "/d"},
      {1, "", "", "/a%2fc", "/%2fc"},
      {3, "", "", "/a//b/c", "/c"},
      {9, "", "", "/a/b", "/"},
  };
  for (const Case& asked : table) {
    std::string bytes = crlf("GET " + asked.target + " HTTP/1.1\nHost: h\n\n");
    RequestHead head;
    ASSERT_EQ(verdict(scan_request(bytes, 0, head, 0)), "complete") << asked.target;
    RoutePolicy policy;
    policy.cut_segments = asked.cut;
    policy.target_path = asked.base;
    policy.target_query = asked.query;
    EXPECT_EQ(policy.target_of(head), asked.wanted) << asked.target << " cut " << asked.cut;
  }
}

TEST(RoutePolicy, location_is_rewritten_if_it_names_the_target) {
  RoutePolicy policy;
  policy.target_authority = "in:81";
  EXPECT_EQ(policy.location_of(302, "http://in:81/x", "out"), "");
  policy.rewrite_host = true;
  EXPECT_EQ(policy.location_of(302, "http://IN:81/x?y#z", "out:9"), "http://out:9/x?y#z");
  EXPECT_EQ(policy.location_of(201, "https://in:81", "out"), "https://out");
  EXPECT_EQ(policy.location_of(303, "http://in:81/x", "out"), "");
  EXPECT_EQ(policy.location_of(302, "http://in/x", "out"), "");
  EXPECT_EQ(policy.location_of(302, "/x", "out"), "");
  EXPECT_EQ(policy.location_of(302, "ftp://in:81/x", "out"), "");
  policy.rewrite_scheme = "https";
  EXPECT_EQ(policy.location_of(302, "http://in:81/x", "out"), "https://out/x");
  policy.rewrite_host = false;
  EXPECT_EQ(policy.location_of(302, "http://in:81/x", "out"), "https://in:81/x");
  policy.target_authority = "in";
  EXPECT_EQ(policy.location_of(302, "http://in:80/x", "out"), "https://in/x");
}

std::string up(std::string_view request,
               const RoutePolicy& policy,
               const std::vector<std::pair<std::string, std::string>>& set = {}) {
  const RequestText text(crlf(request));
  EXPECT_TRUE(text.complete()) << request << text.scan.reason;
  const Client client{"192.0.2.1", "https", text.head.host(), "443"};
  const ToUpstream wish{client, set, {}};
  std::string out(kMostHead + 4096, '\0');
  out.resize(build_policy_head(text.head, wish, policy, "/t", out));
  return out;
}

TEST(RoutePolicy, credentials_pass_and_forwarded_fields_grow) {
  RoutePolicy policy;
  EXPECT_EQ(up("GET / HTTP/1.1\nHost: h\nAuthorization: a\nCookie: b\nConnection: Authorization, "
               "Cookie, X-Forwarded-For, X-Gone\nX-Gone: 1\nX-Forwarded-For: 1\nX-Forwarded-For: "
               "2\nX-Forwarded-Host: f\nKeep-Alive: 5\n\n",
               policy),
            crlf("GET /t HTTP/1.1\nHost: h\nAuthorization: a\nCookie: b\nX-Forwarded-For: "
                 "1,2,192.0.2.1\nX-Forwarded-Port: 443\nX-Forwarded-Proto: "
                 "https\nX-Forwarded-Host: f\n\n"));
  policy.append_forwarded = false;
  policy.own_host = true;
  policy.target_authority = "in:81";
  EXPECT_EQ(up("POST / HTTP/1.1\nHost: h\nX-Forwarded-For: 1\nContent-Length: 3\nA: 1\n\n", policy,
               {{"a", "2"}}),
            crlf("POST /t HTTP/1.1\nHost: in:81\nX-Forwarded-For: 1\na: 2\nContent-Length: 3\n\n"));
}

}  // namespace
}  // namespace passerelle::proxy
