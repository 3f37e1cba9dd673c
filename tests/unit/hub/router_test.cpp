#include <gtest/gtest.h>

#include "hub/api/launches.hpp"
#include "hub/call.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub {
namespace {

TEST(Router, FindsTheEndpointAndDecodesItsParts) {
  const Found found = find_endpoint("POST", "/hub/api/users/al%20ice/servers/second");
  ASSERT_NE(found.endpoint, nullptr);
  EXPECT_EQ(found.endpoint->handler, &api::start_server);
  EXPECT_EQ(found.args, (std::vector<std::string>{"al ice", "second"}));
  EXPECT_EQ(find_endpoint("HEAD", "/hub/health").endpoint->handler, &api::health);
}

TEST(Router, TheRestKeepsItsSlashesAndEscapes) {
  EXPECT_EQ(find_endpoint("GET", "/user/alice/tree/a%2Fb/c").args,
            (std::vector<std::string>{"alice/tree/a%2Fb/c"}));
}

TEST(Router, TellsAWrongMethodFromAnUnknownPath) {
  EXPECT_EQ(find_endpoint("DELETE", "/hub/home").endpoint, nullptr);
  EXPECT_EQ(find_endpoint("DELETE", "/hub/home").allow, "GET");
  EXPECT_EQ(find_endpoint("PUT", "/hub/spawn").allow, "GET, POST");
  EXPECT_EQ(find_endpoint("GET", "/hub/nothing").allow, "");
}

TEST(Router, EveryUnknownApiPathIsAnsweredAsJson) {
  EXPECT_EQ(find_endpoint("GET", "/hub/api/nothing/here").endpoint->handler, &api::unknown);
}

TEST(Router, RefusesBrokenEscapes) {
  EXPECT_NE(find_endpoint("GET", "/hub/spawn/%ff").endpoint, &*endpoints().begin());
  EXPECT_EQ(find_endpoint("GET", "/hub/spawn/%ff").endpoint, nullptr);
}

// Whatever changes something and rests on a cookie must stand behind a guard that asks for the
// token.
TEST(Routes, NothingThatChangesIsOpenButSigningIn) {
  for (const Endpoint& endpoint : endpoints()) {
    if (endpoint.method == "GET" || endpoint.guard != Guard::open) continue;
    const bool harmless = endpoint.handler == &api::unknown ||
                          endpoint.handler == &pages::not_running ||
                          endpoint.handler == &pages::below_hub ||  // the same
                          endpoint.handler == &pages::authenticator ||
                          endpoint.handler == &api::arrived ||       // the launch's one-time key
                          endpoint.handler == &api::outfit ||        // what only that job can know
                          endpoint.handler == &api::csp_report ||    // counts
                          endpoint.handler == &api::options ||       // tells nothing
                          endpoint.handler == &api::oauth_token ||   // a client's secret and a code
                          endpoint.handler == &pages::lti_launch ||  // signed by the platform
                          endpoint.handler == &pages::lti13_login ||     // signs nobody in
                          endpoint.handler == &pages::lti13_callback ||  // signed, and bound
                          endpoint.handler == &pages::lti_continue;      // our origin and a ticket
    EXPECT_TRUE(harmless) << endpoint.method << " " << endpoint.pattern;
  }
}

}  // namespace
}  // namespace passerelle::hub
