#include "web/contract.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/render.hpp"
#include "web/template.hpp"

namespace passerelle::web {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Contract contract() {
  return *Contract::parse(
      "\nHome.\nview:\n  servers list  the cards\n  servers.title text\n  servers.at moment?\n  "
      "queue object?\n"
      "  queue.of number\n  refresh number\n");
}

TEST(Contract, a_view_that_fits_has_no_complaint) {
  EXPECT_THAT(contract().complaints({{"servers", Json::array()}, {"refresh", 5}}), IsEmpty());
  const Json view = {{"servers", {{{"title", say("home.title")}, {"at", moment({})}}}},
                     {"refresh", 5},
                     {"queue", {{"of", 3}}}};
  EXPECT_THAT(contract().complaints(view), IsEmpty());
}

TEST(Contract, tells_what_is_missing_wrong_or_unknown) {
  EXPECT_THAT(contract().complaints({{"servers", Json::array()}}), ElementsAre("refresh: missing"));
  EXPECT_THAT(contract().complaints({{"servers", {{{"at", moment({})}}}}, {"refresh", 5}}),
              ElementsAre("servers.title: missing"));
  EXPECT_THAT(contract().complaints({{"servers", "x"}, {"refresh", 5}}),
              ElementsAre("servers: not a list"));
  EXPECT_THAT(contract().complaints({{"servers", Json::array()}, {"refresh", 5}, {"more", 1}}),
              ElementsAre("more: not in the contract"));
  EXPECT_THAT(contract().complaints(
                  {{"servers", Json::array()}, {"refresh", 5}, {"queue", Json::object()}}),
              ElementsAre("queue.of: missing"));
}

TEST(Contract, bad_comments_are_refused) {
  EXPECT_FALSE(Contract::parse("Home.\n"));
  EXPECT_FALSE(Contract::parse("view:\n  servers lists\n"));
}

TEST(Contract, declares_the_parts_of_moments) {
  EXPECT_TRUE(contract().declares("servers.at.iso"));
  EXPECT_FALSE(contract().declares("servers.at.ms"));
  EXPECT_FALSE(contract().declares("servers.name"));
}

}  // namespace
}  // namespace passerelle::web
