// The order in which a place gets its value, each candidate beside the one that it beats.
#include "samples.hpp"

namespace passerelle::spawners::chart {
namespace {

/// The value of the one property "p".
Result<Json> value_of(const std::string& property,
                      const std::string& yaml = "{}",
                      const std::string& context = "{}") {
  const Json schema{{"type", "object"}, {"properties", {{"p", json(property)}}}};
  auto values = initial_values(schema, json(yaml), json(context));
  if (!values) return values;
  return values->value("p", Json("nothing"));
}

#define EXPECT_VALUE(result, expected)               \
  do {                                               \
    const auto value = (result);                     \
    ASSERT_TRUE(value) << value.error().message();   \
    EXPECT_EQ(value->dump(), Json(expected).dump()); \
  } while (false)

TEST(InitialValues, ConstBeatsAll) {
  EXPECT_VALUE(value_of(R"({"const":"c","default":"d","x-onyxia":{"overwriteDefaultWith":"u"}})",
                        R"({"p":"y"})", R"({"u":"o"})"),
               "c");
  EXPECT_FALSE(value_of(R"({"type":"string","pattern":"^x","const":"c"})"));
}

TEST(InitialValues, AnObjectIsItsMembers) {
  EXPECT_VALUE(value_of(R"({"type":"object","default":{"a":"d","b":"d"},
                            "properties":{"a":{"type":"string","default":"own"},"b":{"type":"string"}}})",
                        R"({"p":{"b":"yaml","c":"other"}})"),
               json(R"({"a":"own","b":"yaml"})"));
}

TEST(InitialValues, TheContextBeatsTheDefault) {
  const char* property =
      R"({"type":"string","default":"d","pattern":"^[a-z0-9]+$","x-onyxia":{"overwriteDefaultWith":"{{u}}"}})";
  EXPECT_VALUE(value_of(property, "{}", R"({"u":"o"})"), "o");
  EXPECT_VALUE(value_of(property, "{}", R"({"u":7})"), "7");
  EXPECT_VALUE(value_of(property, "{}", R"({"u":"NO"})"), "d");
  EXPECT_VALUE(value_of(property, "{}", "{}"), "d");
}

TEST(InitialValues, AnUnfittingDefaultGivesWayToValuesYaml) {
  EXPECT_VALUE(value_of(R"({"type":"integer","default":"8"})", R"({"p":3})"), 3);
  EXPECT_FALSE(value_of(R"({"type":"integer","default":"8"})", R"({"p":"3"})"));
  EXPECT_FALSE(value_of(R"({"type":"integer"})"));
  EXPECT_EQ(
      value_of(R"({"type":"object","properties":{"in":{"type":"integer"}}})").error().message(),
      "values.schema.json: there is no valid value for p.in");
}

TEST(InitialValues, ListsBeginWithTheirLeast) {
  EXPECT_VALUE(value_of(R"({"type":"array"})"), Json::array());
  EXPECT_VALUE(value_of(R"({"type":"array","minItems":2,"items":{"type":"string","default":"i"}})"),
               json(R"(["i","i"])"));
  EXPECT_FALSE(value_of(R"({"type":"array","minItems":2})"));
  EXPECT_FALSE(value_of(R"({"type":"array","minItems":1,"items":{"type":"string"}})"));
}

TEST(InitialValues, AListOfObjectsIsMappedElementByElement) {
  const char* property = R"({"type":"array","default":[],
    "items":{"type":"object","properties":{
      "name":{"type":"string"},
      "from":{"type":"string","x-onyxia":{"overwriteDefaultWith":"{{project}}/{{name}}"}},
      "size":{"type":"integer","default":1}}},
    "x-onyxia":{"overwriteDefaultWith":"disks"}})";
  EXPECT_VALUE(
      value_of(property, "{}",
               R"({"project":"p1","disks":[{"name":"a","size":"4","extra":0},{"name":"b"}]})"),
      json(R"([{"name":"a","from":"p1/a","size":4},{"name":"b","from":"p1/b","size":1}])"));
  EXPECT_VALUE(value_of(property, "{}", R"({"project":"p1","disks":[{"size":4}]})"), Json::array());
}

TEST(InitialValues, AListNeedsSomethingToChooseFrom) {
  EXPECT_FALSE(value_of(R"({"type":"string","render":"list","default":"a"})"));
  EXPECT_VALUE(value_of(R"({"type":"string","render":"list","listEnum":["a"],"default":"a"})"),
               "a");
}

TEST(InitialValues, WhatAFormCannotShowIsLeftToTheChart) {
  EXPECT_VALUE(value_of(R"({"anyOf":[{"type":"string"},{"type":"integer"}],"default":1})"),
               "nothing");
  EXPECT_VALUE(value_of(R"({"$ref":"https://example.invalid/s.json"})"), "nothing");
  EXPECT_VALUE(value_of(R"({"type":["null","string"],"default":"d"})"), "d");
  EXPECT_VALUE(value_of(R"({"properties":{"a":{"type":"integer","default":1}}})"),
               json(R"({"a":1})"));
}

}  // namespace
}  // namespace passerelle::spawners::chart
