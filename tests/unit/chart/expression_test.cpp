#include "samples.hpp"
#include "spawners/kubernetes/chart/candidate.hpp"

namespace passerelle::spawners::chart {
namespace {

const Json kContext = json(R"({
  "user": {"idep": "jo", "age": 41, "admin": true, "none": null, "half": 0.5, "large": 1e21,
           "small": 1e-7, "whole": 2.0},
  "list": [{"name": "a"}, {"name": "b"}], "a.b": {"c d": 1}, "labels": {"x/y": "z", "p.q": "r"},
  "__proto__": {"mine": 1}})");

std::optional<Json> value(const Json& expression) {
  return evaluate(expression, Scope{kContext});
}

TEST(Expression, AWholeNameKeepsItsType) {
  EXPECT_EQ(value("{{user.age}}"), Json(41));
  EXPECT_EQ(value("user.admin"), Json(true));
  EXPECT_EQ(value("{{user.none}}"), Json());
  EXPECT_EQ(value("{{list[1].name}}"), Json("b"));
  EXPECT_EQ(value("{{list.0.name}}"), Json("a"));
  EXPECT_EQ(value(R"({{["a.b"]["c d"]}})"), Json(1));
  EXPECT_EQ(value("{{labels['p.q']}}"), Json("r"));
  EXPECT_EQ(value("labels.x/y"), Json("z"));
  EXPECT_EQ(value("list"), kContext["list"]);
}

TEST(Expression, UnknownNamesAreNothing) {
  for (const char* name :
       {"nobody", "user.nobody", "{{user.idep.length}}", "{{list[2]}}", "{{list[-1]}}",
        "{{user.constructor}}", "{{user.__proto__}}", "{{ user.idep }}", "{{list[}}",
        "{{list.length}}", "{{user..idep}}", "", "{{list[99999999999999999999]}}"})
    EXPECT_FALSE(value(name)) << name;
}

TEST(Expression, TextWithPartsIsText) {
  EXPECT_EQ(value("{{user.idep}}-{{user.age}}.example"), Json("jo-41.example"));
  EXPECT_EQ(value("a\n{{user.admin}}\n"), Json("a\ntrue\n"));
  EXPECT_EQ(value("{{user.half}}/{{user.large}}/{{user.small}}/{{user.whole}}"),
            Json("0.5/1e+21/1e-7/2"));
  EXPECT_FALSE(value("x{{user.none}}"));
  EXPECT_FALSE(value("x{{list}}"));
  EXPECT_FALSE(value("x{{nobody}}"));
  EXPECT_EQ(value("{{}} {{user.idep}}"), Json("{{}} jo"));
  EXPECT_EQ(value("{{}}"), Json("{{}}"));
  EXPECT_EQ(value("{{user.idep} {{user.idep}}"), Json("{{user.idep} jo"));
}

TEST(Expression, WhatAValueHoldsIsNotEvaluatedAgain) {
  const Json context = json(R"({"user": {"name": "{{secret}}"}, "secret": "s"})");
  EXPECT_EQ(evaluate("hello {{user.name}}", Scope{context}), Json("hello {{secret}}"));
}

TEST(Expression, ListsAndObjectsAreEvaluatedInside) {
  EXPECT_EQ(value(json(R"([{"name": "user.idep", "value": "{{user.idep}}"}, 3])")),
            json(R"([{"name": "user.idep", "value": "jo"}, 3])"));
  EXPECT_FALSE(value(json(R"({"a": "{{nobody}}", "b": "x"})")));
}

TEST(Expression, AnInnerScopeWins) {
  const Json inner = json(R"({"user": {"idep": "inner"}})");
  const Scope outer{kContext};
  const Scope scope{inner, &outer};
  EXPECT_EQ(evaluate("user.idep", scope), Json("inner"));
  EXPECT_EQ(evaluate("list.0.name", scope), Json("a"));
}

TEST(Candidate, TextOfAnotherTypeIsTakenAsMeant) {
  const Json none = Json::object();
  const auto near = [&none](const char* schema, const Json& given) {
    return judge(json(schema), Scope{none}, given).near;
  };
  for (const char* yes : {"true", "YES", "1", "On"})
    EXPECT_EQ(near(R"({"type":"boolean"})", yes), Json(true)) << yes;
  for (const char* no : {"False", "no", "0", "off"})
    EXPECT_EQ(near(R"({"type":"boolean"})", no), Json(false)) << no;
  EXPECT_FALSE(near(R"({"type":"boolean"})", "maybe"));
  EXPECT_EQ(near(R"({"type":"integer"})", "8Gi"), Json(8));
  EXPECT_EQ(near(R"({"type":"number"})", " +0.5x"), Json(0.5));
  EXPECT_FALSE(near(R"({"type":"integer"})", "0.5"));
  EXPECT_FALSE(near(R"({"type":"integer"})", "Gi8"));
  EXPECT_FALSE(near(R"({"type":"integer"})", "nan"));
  EXPECT_EQ(near(R"({"type":"string"})", 8), Json("8"));
  EXPECT_EQ(near(R"({"type":"string"})", 8.0), Json("8"));
  EXPECT_EQ(near(R"({"type":"string"})", true), Json("true"));
  EXPECT_EQ(near(R"({"type":"string"})", Json()), Json(""));
  EXPECT_EQ(near(R"({"type":"number"})", Json()), Json(0));
  EXPECT_FALSE(near(R"({"type":"object"})", Json()));
  EXPECT_FALSE(near(R"({"type":"number","minimum":1})", false));
  EXPECT_EQ(near(R"({"type":"array","items":{"type":"string"}})", json("[1,\"a\"]")),
            json(R"(["1","a"])"));
  EXPECT_EQ(near(R"({"type":"object","properties":{"a":{"type":"string"}}})",
                 json(R"({"a":"x","more":1})")),
            json(R"({"a":"x"})"));
}

TEST(Candidate, SlidersAndOptionsBound) {
  const Json context = json(R"({"region": {"classes": ["", 1, ["no"]]}})");
  const auto valid = [&context](const char* schema, const Json& given) {
    return judge(json(schema), Scope{context}, given).valid;
  };
  const char* slider = R"({"type":"string","sliderMin":1,"sliderMax":5,"sliderUnit":"Gi"})";
  EXPECT_TRUE(valid(slider, "5Gi"));
  EXPECT_FALSE(valid(slider, "6Gi"));
  EXPECT_FALSE(valid(slider, "5Mi"));
  EXPECT_FALSE(valid(slider, "Gi"));
  EXPECT_FALSE(valid(R"({"type":"number","sliderMax":5})", 5.5));
  EXPECT_TRUE(valid(R"({"type":"string","listEnum":["a"],"enum":["b"]})", "a"));
  EXPECT_FALSE(valid(R"({"type":"string","listEnum":["a"],"enum":["b"]})", "b"));
  EXPECT_TRUE(valid(R"({"type":"string","listEnum":["a",1],"enum":["b"]})", "b"));
  const char* offered =
      R"({"type":"string","enum":["b"],"x-onyxia":{"overwriteListEnumWith":"region.classes"}})";
  EXPECT_TRUE(valid(offered, "1"));
  EXPECT_FALSE(valid(offered, "b"));
}

TEST(Matches, AsJavaScriptDoes) {
  EXPECT_TRUE(matches("^[a-z]+$", "abc"));
  EXPECT_FALSE(matches("^[a-z]+$", "abc\n"));
  EXPECT_FALSE(matches("^[a-z]+$", "EVIL\nabc"));
  EXPECT_FALSE(matches("^.*$", "a\nb"));
  EXPECT_TRUE(matches("b", "abc"));
  EXPECT_TRUE(matches("^.{2}$", "éà"));
  EXPECT_TRUE(matches("^\\u00e9\\/$", "é/"));
  EXPECT_TRUE(matches("(", "anything"));
  EXPECT_FALSE(matches("^(a+)+$", std::string(5000, 'a') + "b"));
}

}  // namespace
}  // namespace passerelle::spawners::chart
