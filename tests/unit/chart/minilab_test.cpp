// The sample chart's form begins with the values that Onyxia's begins with.
#include <cstdio>
#include <memory>

#include "samples.hpp"
#include "spawners/kubernetes/chart/path.hpp"

namespace passerelle::spawners::chart {
namespace {

Result<Json> values_for(const std::vector<std::string>& roles) {
  return initial_values(minilab_schema(roles), minilab().values, json_file("context.json"));
}

TEST(Minilab, BeginsAsOnyxiaBegins) {
  const auto values = values_for({});
  ASSERT_TRUE(values) << values.error().message();
  EXPECT_EQ(values->dump(1), json_file("expected/minilab.default.json").dump(1));
}

TEST(Minilab, AGuestHasTheSchemaOfGuests) {
  for (const std::vector<std::string>& roles :
       {std::vector<std::string>{"guest"}, {"staff", "guest"}, {"guest", "staff"}}) {
    const auto values = values_for(roles);
    ASSERT_TRUE(values) << values.error().message();
    EXPECT_EQ(values->dump(1), json_file("expected/minilab.guest.json").dump(1));
  }
}

TEST(Minilab, RolesWithoutAFileGetEverybodys) {
  const auto values = values_for({"staff"});
  ASSERT_TRUE(values);
  EXPECT_TRUE(same(*values, json_file("expected/minilab.default.json")));
}

TEST(Minilab, WithoutAContextTheChartsOwnDefaultsStand) {
  const auto values = initial_values(minilab_schema(), minilab().values, Json::object());
  ASSERT_TRUE(values) << values.error().message();
  EXPECT_EQ(*at(*values, *parse_path("service.basePath")), "/");
  EXPECT_EQ(*at(*values, *parse_path("environment.")), Json::array());
}

TEST(Minilab, TheRegionMovesTheEndsOfSliders) {
  const Json schema = with_region_sliders(minilab_schema(), json_file("context.json"));
  const Json& cpu = schema["properties"]["resources"]["properties"]["limits"]["properties"]["cpu"];
  EXPECT_EQ(cpu["sliderMax"], 1000);
  EXPECT_EQ(cpu["sliderStep"], 50);
  const Json& memory =
      schema["properties"]["resources"]["properties"]["limits"]["properties"]["memory"];
  EXPECT_EQ(memory["sliderMax"], 4096);
}

}  // namespace
}  // namespace passerelle::spawners::chart
