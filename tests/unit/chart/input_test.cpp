// What people send changes the places that the form shows, and nothing else.
#include "spawners/kubernetes/chart/input.hpp"

#include <random>

#include "samples.hpp"

namespace passerelle::spawners::chart {
namespace {

class Form {
 public:
  Form() : initial(*initial_values(schema, minilab().values, context)) {}

  Result<Json> with(const std::vector<std::pair<std::string, std::optional<Json>>>& given) const {
    std::vector<Input> inputs;
    for (const auto& [text, value] : given) {
      auto path = parse_path(text);
      if (!path) return Error(Errc::invalid, "path");
      inputs.push_back({std::move(*path), value});
    }
    return with_input(schema, Scope{context}, initial, inputs);
  }

  Json schema = minilab_schema();
  Json context = json_file("context.json");
  Json initial;
};

std::string refusal(const Form& form, const std::string& path, const Json& value) {
  const auto made = form.with({{path, value}});
  return made ? "taken" : made.error().message();
}

TEST(Path, IsThatOfLaunchLinks) {
  const auto path = parse_path("a.b[0].c\\.d");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->size(), 4U);
  EXPECT_EQ(to_string(*path), "a.b[0].c\\.d");
  EXPECT_EQ(to_string(*parse_path("name.")), "name.");
  EXPECT_EQ(parse_path("name.")->size(), 1U);
  for (const char* bad :
       {"", ".", "a..b", "[0]", "a[", "a[x]", "a[-1]", "a[0]b", "a[99999]", "a[]", ".a"})
    EXPECT_FALSE(parse_path(bad)) << bad;
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += ".a";
  EXPECT_FALSE(parse_path(deep));
}

TEST(Input, ChangesWhatTheFormShows) {
  const Form form;
  const auto made = form.with({{"git.name", "Someone"},
                               {"persistence.enabled", "true"},
                               {"resources.limits.cpu", "900m"},
                               {"packages[0]", "scipy"},
                               {"environment[2]", json(R"({"name":"A","value":1})")},
                               {"environment[0].value", "changed"},
                               {"environment[3].name", "B"},
                               {"environment[1]", std::nullopt}});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ((*made)["git"]["name"], "Someone");
  EXPECT_EQ((*made)["persistence"]["enabled"], true);
  EXPECT_EQ((*made)["packages"].dump(), R"(["scipy"])");
  EXPECT_EQ(
      (*made)["environment"].dump(),
      R"([{"name":"LAB_OWNER","value":"changed"},{"name":"A","value":"1"},{"name":"B","value":""}])");
}

TEST(Input, RefusesAllElse) {
  const Form form;
  for (const char* place : {"internal.debug", "image.tag", "replicaCount.", "__proto__.polluted",
                            "constructor.prototype.x", "git.name.length", "packages.length",
                            "git[0]", "serviceAccount.name", "nodeSelector.evil"})
    EXPECT_TRUE(refusal(form, place, "x").ends_with("is no place of this chart's form")) << place;
  for (const char* place : {"ingress.hostname", "service.basePath", "global.suspend",
                            "global.suspend.x", "tolerations."})
    EXPECT_TRUE(refusal(form, place, "x").ends_with("cannot be changed")) << place;
  EXPECT_TRUE(refusal(form, "service.", json(R"({"basePath":"/x"})")).ends_with("name one"));
  EXPECT_TRUE(refusal(form, "image.name", "evil/image:latest").find("does not fit") !=
              std::string::npos);
  EXPECT_TRUE(refusal(form, "resources.limits.cpu", "400000m").find("does not fit") !=
              std::string::npos);
  EXPECT_TRUE(refusal(form, "git.repository", "https://x\nevil").find("does not fit") !=
              std::string::npos);
  EXPECT_TRUE(refusal(form, "git.name", std::string(300'000, 'x')).find("too large") !=
              std::string::npos);
  EXPECT_TRUE(refusal(form, "packages[7]", "x").find("not there") != std::string::npos);
  EXPECT_TRUE(refusal(form, "environment[0].name", "lower").find("does not fit") !=
              std::string::npos);
}

TEST(Input, AGuestsPasswordIsFixed) {
  Form form;
  form.schema = minilab_schema({"guest"});
  EXPECT_TRUE(refusal(form, "service.password", "mine").ends_with("cannot be changed"));
}

TEST(Input, TemplatesInValuesAreText) {
  const Form form;
  const char* text = "{{ .Release.Name }} {{user.password}} ${x} $(y)\n- evil: true";
  const auto made = form.with({{"git.name", text}});
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)["git"]["name"], text);
}

TEST(Input, ListsKeepTheirLengths) {
  const Form form;
  std::vector<std::pair<std::string, std::optional<Json>>> many;
  for (int i = 2; i < 21; ++i)
    many.emplace_back("environment[" + std::to_string(i) + "]", json(R"({"name":"A","value":""})"));
  EXPECT_FALSE(form.with(many));
  many.pop_back();
  EXPECT_TRUE(form.with(many));
}

TEST(Input, AListWithFixedPartsIsNotReplaced) {
  Form form;
  form.schema = json(R"({"type":"object","properties":{"l":{"type":"array","items":{"type":"object",
    "properties":{"free":{"type":"string"},"fixed":{"type":"string","x-onyxia":{"hidden":true}}}}}}})");
  form.initial = json(R"({"l":[{"free":"a","fixed":"b"}]})");
  EXPECT_TRUE(form.with({{"l[0].free", "c"}}));
  EXPECT_FALSE(form.with({{"l[1].free", "c"}}));  // "fixed" of a new item has no value
  Json& fixed = form.schema["properties"]["l"]["items"]["properties"]["fixed"];
  fixed["x-onyxia"]["overwriteDefaultWith"] = "user.idep";
  form.schema["properties"]["l"]["items"]["properties"]["free"]["default"] = "";
  EXPECT_EQ((*form.with({{"l[1].free", "c"}}))["l"][1].dump(), R"({"free":"c","fixed":"jdoe"})");
  EXPECT_FALSE(form.with({{"l[0].fixed", "c"}}));
  EXPECT_FALSE(form.with({{"l[0]", json(R"({"free":"c","fixed":"c"})")}}));
  EXPECT_FALSE(form.with({{"l.", json(R"([{"free":"c","fixed":"c"}])")}}));
}

TEST(Hidden, MayDependOnAnotherValue) {
  const Form form;
  const auto shown = [&form](const char* name, const Json& values) {
    const Path path = *parse_path(name);
    const Json* schema = &form.schema;
    for (const Step& step : path) schema = &(*schema)["properties"][std::get<std::string>(step)];
    return !hidden(*schema, values, path);
  };
  Json values = form.initial;
  EXPECT_FALSE(shown("persistence.size", values));
  EXPECT_FALSE(shown("persistence.storageClass", values));
  EXPECT_TRUE(shown("git.name", values));
  EXPECT_FALSE(shown("service.basePath", values));
  values["persistence"]["enabled"] = true;
  values["git"]["enabled"] = false;
  EXPECT_TRUE(shown("persistence.size", values));
  EXPECT_TRUE(shown("persistence.storageClass", values));
  EXPECT_FALSE(shown("git.name", values));
}

/// All places where two trees differ.
void differences(const Json& a, const Json& b, const Path& at, std::vector<Path>& found) {
  if (same(a, b)) return;
  if (!a.is_object() || !b.is_object()) {
    found.push_back(at);
    return;
  }
  for (const Json* tree : {&a, &b})
    for (const auto& [name, value] : tree->items()) {
      Path below = at;
      below.emplace_back(name);
      const Json* own = member(a, name);
      const Json* other = member(b, name);
      if (own == nullptr || other == nullptr)
        found.push_back(below);
      else if (tree == &a)
        differences(*own, *other, below, found);
    }
}

/// Every place of the schema, items of lists too.
void places_of(const Json& schema, const Path& at, std::vector<Path>& found) {
  if (!at.empty()) found.push_back(at);
  if (schema.contains("items"))
    for (std::size_t index = 0; index < 3; ++index) {
      Path below = at;
      below.emplace_back(index);
      places_of(schema["items"], below, found);
    }
  if (!schema.contains("properties")) return;
  for (const auto& [name, property] : schema["properties"].items()) {
    Path below = at;
    below.emplace_back(name);
    places_of(property, below, found);
  }
}

/// May people change this place? Said a second time, in another way than the code under test.
bool may_change(const Json& schema, const Path& path) {
  const Json* at = &schema;
  for (const Step& step : path) {
    if (at->value("type", "") == "object" && !at->contains("properties")) return true;  // any map
    at = member((*at)["properties"], std::get<std::string>(step));
    if (at == nullptr || at->contains("const") || at->value("hidden", Json()) == true) return false;
    const Json own = at->value("x-onyxia", Json::object());
    if (own.value("hidden", false) || own.value("readonly", false)) return false;
  }
  return !at->contains("properties");
}

TEST(Input, WhateverIsSentOnlyPlacesOfTheFormChange) {
  const Form form;
  const std::vector<std::string> words = {"image",
                                          "name",
                                          "pullPolicy",
                                          "service",
                                          "password",
                                          "basePath",
                                          "resources",
                                          "limits",
                                          "cpu",
                                          "persistence",
                                          "enabled",
                                          "size",
                                          "git",
                                          "repository",
                                          "s3",
                                          "endpoint",
                                          "environment",
                                          "value",
                                          "packages",
                                          "nodeSelector",
                                          "tolerations",
                                          "ingress",
                                          "hostname",
                                          "global",
                                          "suspend",
                                          "internal",
                                          "debug",
                                          "replicaCount",
                                          "__proto__",
                                          "constructor",
                                          "x-onyxia",
                                          "properties",
                                          "",
                                          ".",
                                          "0"};
  const std::vector<Json> values = {"x",
                                    "true",
                                    "900m",
                                    "5Gi",
                                    "https://x",
                                    "fast",
                                    "changed-password",
                                    true,
                                    false,
                                    0,
                                    -1,
                                    8,
                                    0.5,
                                    nullptr,
                                    json("[]"),
                                    json("{}"),
                                    json(R"(["a"])"),
                                    json(R"({"name":"A","value":"b"})"),
                                    json(R"([{"name":"A","value":"b"}])"),
                                    json(R"({"__proto__":{"x":1}})"),
                                    json(R"({"basePath":"/evil","password":"long-enough"})")};
  std::vector<Path> places;
  places_of(form.schema, {}, places);
  std::mt19937 random(20261122);
  const auto pick = [&random](std::size_t size) { return random() % size; };
  int taken = 0;
  for (int round = 0; round < 40'000; ++round) {
    std::vector<Input> inputs(1 + pick(3));
    for (Input& input : inputs) {
      if (pick(3) != 0) input.path = places[pick(places.size())];
      for (std::size_t steps = input.path.empty() ? 1 + pick(3) : pick(8) / 7; steps > 0; --steps) {
        if (pick(4) == 0)
          input.path.emplace_back(pick(3));
        else
          input.path.emplace_back(words[pick(words.size())]);
      }
      if (pick(6) != 0) input.value = values[pick(values.size())];
    }
    const auto made = with_input(form.schema, Scope{form.context}, form.initial, inputs);
    if (!made) continue;
    ++taken;
    std::vector<Path> changed;
    differences(form.initial, *made, {}, changed);
    for (const Path& path : changed)
      ASSERT_TRUE(may_change(form.schema, path)) << to_string(path) << " round " << round;
  }
  EXPECT_GT(taken, 500);
}

}  // namespace
}  // namespace passerelle::spawners::chart
