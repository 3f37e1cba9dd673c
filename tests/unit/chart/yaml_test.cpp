#include "samples.hpp"

namespace passerelle::spawners::chart {
namespace {

std::string read(const std::string& text) {
  const auto value = parse_yaml(text, "values.yaml");
  return value ? value->dump() : "error: " + value.error().message();
}

TEST(Yaml, ScalarsAreThoseOfVersion12) {
  EXPECT_EQ(read("[yes, on, true, False, ~, null, '', \"1\", 1, +1, 0o17, 0x1F, 1.5, .5, 1e3, "
                 "1.2.3, 12:30]"),
            R"(["yes","on",true,false,null,null,"","1",1,1,15,31,1.5,0.5,1000.0,"1.2.3","12:30"])");
  EXPECT_EQ(read("{a: 9223372036854775807, b: 010, c: .inf, d: 1_000, e: -, f: !!str 8}"),
            R"({"a":9223372036854775807,"b":10,"c":".inf","d":"1_000","e":"-","f":"8"})");
}

TEST(Yaml, KeysAreTexts) {
  EXPECT_EQ(read("8080: a\ntrue: b\n~: c\n"), R"({"8080":"a","true":"b","null":"c"})");
  EXPECT_EQ(read("? [a]\n: b\n"), "error: values.yaml: a key that is not a simple text");
}

TEST(Yaml, AnchorsAndMerges) {
  EXPECT_EQ(
      read("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nboth: {<<: [*b, {z: 4}]}\nlist: [*b]\n"),
      R"({"base":{"x":1,"y":2},"use":{"y":3,"x":1},"both":{"x":1,"y":2,"z":4},"list":[{"x":1,"y":2}]})");
  EXPECT_EQ(read("a: &a [*a]"), "error: values.yaml: an alias refers to a value that contains it");
}

TEST(Yaml, EmptyIsNull) {
  EXPECT_EQ(read(""), "null");
  EXPECT_EQ(read("# only a comment\n"), "null");
}

}  // namespace
}  // namespace passerelle::spawners::chart
