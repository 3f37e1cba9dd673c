#include "spawners/kubernetes/chart/validate.hpp"

#include "samples.hpp"

namespace passerelle::spawners::chart {
namespace {

std::vector<std::string> places(const Json& schema, const Json& values) {
  const auto misfits = validate(schema, values);
  if (!misfits) return {"error: " + misfits.error().message()};
  std::vector<std::string> names;
  for (const Misfit& misfit : *misfits) names.push_back(misfit.place);
  return names;
}

TEST(Validate, TheSampleFitsItself) {
  const auto initial =
      initial_values(minilab_schema(), minilab().values, json_file("context.json"));
  EXPECT_TRUE(places(minilab_schema(), *initial).empty());
  EXPECT_TRUE(places(minilab_schema(), merged(minilab().values, *initial)).empty());
}

TEST(Validate, MisfitsNameTheirPlace) {
  Json values = json_file("expected/minilab.default.json");
  values["git"]["repository"] = "ftp://x";
  values["image"]["pullPolicy"] = "Sometimes";
  values["environment"][1]["name"] = "lower";
  values["persistence"]["enabled"] = "yes";
  const auto found = places(minilab_schema(), values);
  for (const char* place :
       {"git.repository", "image.pullPolicy", "environment[1].name", "persistence.enabled"})
    EXPECT_NE(std::find(found.begin(), found.end(), place), found.end()) << place;
}

TEST(Validate, PropertiesMayBeCalledAsKeywordsAre) {
  const Json schema = json(R"({"type":"object","additionalProperties":false,"properties":
    {"pattern":{"type":"string"},"id":{"type":"integer"},"format":{"type":"string","pattern":"^f"}}})");
  EXPECT_TRUE(places(schema, json(R"({"pattern":"p","id":1,"format":"f"})")).empty());
  EXPECT_FALSE(places(schema, json(R"({"id":"x"})")).empty());
  EXPECT_FALSE(places(schema, json(R"({"format":"x"})")).empty());
  EXPECT_FALSE(places(schema, json(R"({"other":"x"})")).empty());
}

TEST(Validate, StrangersPatternsEnd) {
  const Json schema =
      json(R"({"type":"object","properties":{"p":{"type":"string","pattern":"^(a+)+$"}}})");
  EXPECT_FALSE(places(schema, {{"p", std::string(60'000, 'a') + "b"}}).empty());
  const Json keys =
      json(R"({"type":"object","patternProperties":{"^(a+)+$":{}},"additionalProperties":false})");
  EXPECT_TRUE(places(keys, {{std::string(60'000, 'a') + "b", 1}}).empty());
}

TEST(Validate, NothingIsFetched) {
  EXPECT_TRUE(places(json(R"({"$ref":"https://example.invalid/x.json"})"), json("{}")).empty());
  EXPECT_TRUE(
      places(json(R"({"properties":{"a":{"$ref":"file:///etc/passwd"}}})"), json(R"({"a":1})"))
          .empty());
}

TEST(Validate, MergesLikeHelm) {
  EXPECT_EQ(merged(json(R"({"a":{"b":1,"c":2},"l":[1,2],"n":1})"),
                   json(R"({"a":{"c":3,"d":4},"l":[3],"n":null})"))
                .dump(),
            R"({"a":{"b":1,"c":3,"d":4},"l":[3]})");
}

}  // namespace
}  // namespace passerelle::spawners::chart
