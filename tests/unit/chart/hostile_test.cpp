// Charts, contexts and overrides that were made to hurt: refused, or without effect.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <archive.h>
#include <archive_entry.h>

#include "samples.hpp"
#include "spawners/kubernetes/chart/archive.hpp"

namespace passerelle::spawners::chart {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = "/tmp/chart_test.XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct File {
  std::string name;
  std::string content = {};
  int type = AE_IFREG;
  std::string link = {};
};

/// Writes a .tgz with exactly these names.
std::string pack(const Folder& folder, const std::vector<File>& files) {
  const std::string path = folder / "chart.tgz";
  archive* out = archive_write_new();
  archive_write_add_filter_gzip(out);
  archive_write_set_format_gnutar(out);
  archive_write_open_filename(out, path.c_str());
  for (const File& file : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, file.name.c_str());
    archive_entry_set_filetype(entry, static_cast<unsigned>(file.type));
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(file.content.size()));
    if (file.type == AE_IFLNK) archive_entry_set_symlink(entry, file.link.c_str());
    if (file.type == AE_IFREG && !file.link.empty())
      archive_entry_set_hardlink(entry, file.link.c_str());
    archive_write_header(out, entry);
    archive_write_data(out, file.content.data(), file.content.size());
    archive_entry_free(entry);
  }
  archive_write_free(out);
  return path;
}

const File kAbout{"c/Chart.yaml", "name: c\nversion: 1.2.3\n"};

std::string refusal(const std::vector<File>& files) {
  const Folder folder;
  const auto chart = load_chart(pack(folder, files));
  if (chart) return {};
  const std::string& message = chart.error().message();
  return message.substr(message.find(": ") + 2);
}

TEST(Archive, AGoodOneIsRead) {
  const Folder folder;
  const auto chart = load_chart(pack(folder, {{"./c", {}, AE_IFDIR},
                                              kAbout,
                                              {"c/values.yaml", "a: 1\n"},
                                              {"c/values.schema.json", R"({"type":"object"})"},
                                              {"c/charts/sub/Chart.yaml", "name: sub\n"},
                                              {"c/templates/x.yaml", "{{ .Values.a }}"}}));
  ASSERT_TRUE(chart) << chart.error().message();
  EXPECT_EQ(chart->name, "c");
  EXPECT_EQ(chart->version, "1.2.3");
  EXPECT_EQ(chart->values.dump(), R"({"a":1})");
  EXPECT_TRUE(chart->schema);
}

TEST(Archive, NamesThatLeadElsewhereAreRefused) {
  for (const char* name :
       {"../values.yaml", "c/../../x", "/etc/passwd", "c/./x", "c//x", "c\\..\\x"})
    EXPECT_EQ(refusal({kAbout, {name, "x"}}), "has a file whose name leads out of the chart")
        << name;
  EXPECT_EQ(refusal({kAbout, {"d/values.yaml", "x"}}), "has more than one folder at its top");
}

TEST(Archive, LinksAndDoublesAreRefused) {
  EXPECT_EQ(refusal({kAbout, {"c/values.yaml", {}, AE_IFLNK, "/etc/passwd"}}),
            "values.yaml is not a file");
  EXPECT_EQ(refusal({kAbout, {"c/values.yaml", {}, AE_IFREG, "c/Chart.yaml"}}),
            "values.yaml is not a file");
  EXPECT_EQ(refusal({kAbout, {"c/values.yaml", "a: 1"}, {"c/values.yaml", "a: 2"}}),
            "holds values.yaml twice");
}

TEST(Archive, BombsAreRefused) {
  EXPECT_EQ(refusal({kAbout, {"c/values.yaml", std::string(kLargestMember + 1, ' ')}}),
            "values.yaml is larger than 1048576 bytes");
  EXPECT_EQ(refusal({{"c/zeros", std::string(kLargestUnpacked + 1, '\0')}, kAbout}),
            "unpacks to more than 134217728 bytes");
  const std::string part(kLargestUnpacked / 2, '\0');
  EXPECT_EQ(refusal({{"c/zeros", part}, {"c/more", part + "."}, kAbout}),
            "unpacks to more than 134217728 bytes");
  EXPECT_EQ(refusal(std::vector<File>(10'001, File{"c/x"})), "has too many files");
}

TEST(Archive, WhatIsNoChartIsRefused) {
  EXPECT_EQ(refusal({{"c/values.yaml", "a: 1"}}), "is no chart: no Chart.yaml");
  EXPECT_EQ(refusal({{"c/Chart.yaml", "version: 1"}}), "Chart.yaml has no name");
  EXPECT_EQ(refusal({{"c/Chart.yaml", "[1]"}}), "Chart.yaml: is not a map");
  const Folder folder;
  EXPECT_EQ(load_chart(folder / "none.tgz").error().code(), Errc::not_found);
  std::ofstream(folder / "text.tgz") << "hello, this is no archive";
  EXPECT_EQ(load_chart(folder / "text.tgz").error().code(), Errc::invalid);
  const std::string good = pack(folder, {kAbout, {"c/values.yaml", std::string(100'000, 'x')}});
  std::filesystem::resize_file(good, std::filesystem::file_size(good) / 2);
  EXPECT_EQ(load_chart(good).error().code(), Errc::invalid);
}

TEST(Json, HasBounds) {
  const auto code = [](const std::string& text) {
    const auto parsed = parse_json(text, "x");
    return parsed ? std::string("good") : parsed.error().message();
  };
  EXPECT_EQ(code(std::string(1000, '[') + std::string(1000, ']')),
            "x: nested more than 64 levels deep");
  EXPECT_EQ(code(std::string(10'000'000, ' ')), "x: larger than 1048576 bytes");
  std::string many = "[0";
  for (int i = 0; i < 2000; ++i) many += ",0";
  EXPECT_EQ(code(many + "]"), "x: more than 2000 members in one place");
  std::string rows = "[0";
  for (int i = 0; i < 30; ++i) rows += "," + many.substr(0, many.size() - 2) + "]";
  EXPECT_EQ(code(rows + "]"), "x: more than 50000 values");
  EXPECT_EQ(code("{\"a\":"), "x: not valid JSON near byte 6");
  EXPECT_EQ(code("\"\xff\""), "x: not valid JSON near byte 2");
  EXPECT_EQ(code(R"({"a":1,"a":2})"), "good");
}

TEST(Yaml, HasBounds) {
  const auto message = [](const std::string& text) {
    const auto parsed = parse_yaml(text, "x");
    return parsed ? std::string("good") : parsed.error().message();
  };
  EXPECT_EQ(message(std::string(1000, '[') + std::string(1000, ']')),
            "x: nested more than 64 levels deep");
  EXPECT_EQ(message(std::string(10'000'000, ' ')), "x: larger than 1048576 bytes");
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string one = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + one;
    for (int j = 0; j < 9; ++j) laughs += ", " + one;
    laughs += "]\n";
  }
  EXPECT_EQ(message(laughs), "x: more than 50000 values");
  EXPECT_EQ(message("a: *nothing"), "x: not valid YAML, line 1");
  EXPECT_EQ(message("a: \"\xff\""), "x: a text that is not UTF-8");
}

TEST(Schema, ReferencesInACircleStay) {
  const Json circle =
      json(R"({"type":"object","definitions":{"a":{"properties":{"b":{"$ref":"#/definitions/a"}}}},
                              "properties":{"p":{"$ref":"#/definitions/a"}}})");
  const auto resolved = resolve_schema(circle, Overrides(), {});
  ASSERT_TRUE(resolved) << resolved.error().message();
  EXPECT_EQ((*resolved)["properties"]["p"]["properties"]["b"].dump(),
            R"({"$ref":"#/definitions/a"})");
}

TEST(Schema, ReferencesDoNotMultiplyWithoutEnd) {
  Json schema = json(R"({"type":"object","definitions":{"d0":{"type":"string"}}})");
  for (int i = 1; i < 30; ++i) {
    const std::string below = "#/definitions/d" + std::to_string(i - 1);
    schema["definitions"]["d" + std::to_string(i)] =
        Json{{"properties", {{"a", {{"$ref", below}}}, {"b", {{"$ref", below}}}}}};
  }
  EXPECT_EQ(resolve_schema(schema, Overrides(), {}).error().code(), Errc::exhausted);
}

TEST(Schema, ListsOfListsDoNotMultiplyWithoutEnd) {
  Json schema = json(R"({"type":"string","default":"x"})");
  for (int i = 0; i < 10; ++i)
    schema = Json{{"type", "array"}, {"minItems", 100}, {"items", schema}};
  schema = Json{{"type", "object"}, {"properties", {{"p", schema}}}};
  EXPECT_FALSE(initial_values(schema, Json::object(), Json::object()));
  schema["properties"]["p"] = json(R"({"type":"array","minItems":1e300,"items":{"const":1}})");
  EXPECT_FALSE(initial_values(schema, Json::object(), Json::object()));
}

TEST(Schema, OverridesAreLookedUpAndNeverOpened) {
  const Folder folder;
  std::filesystem::create_directories(folder / "site/default");
  std::ofstream(folder / "secret.json") << R"({"const":"leaked"})";
  std::ofstream(folder / "site/default/own.json") << R"({"const":"own"})";
  const auto overrides = Overrides::load(folder / "site");
  ASSERT_TRUE(overrides);
  for (const std::string& name :
       {std::string("../secret.json"), std::string("../../secret.json"), folder / "secret.json",
        std::string("roles/../../secret.json"), std::string("./own.json")}) {
    const Json schema =
        Json{{"type", "object"},
             {"properties",
              {{"p", {{"const", "chart"}, {"x-onyxia", {{"overwriteSchemaWith", name}}}}}}}};
    const auto resolved = resolve_schema(schema, *overrides, {"..", "../..", ""});
    EXPECT_EQ(initial_values(*resolved, Json::object(), Json::object())->dump(), R"({"p":"chart"})")
        << name;
  }
}

TEST(Schema, NamesOfPrototypesAreNames) {
  const Json schema = json(R"({"type":"object","properties":{
    "__proto__":{"type":"object","properties":{"polluted":{"type":"boolean","default":true}}},
    "constructor":{"type":"string","x-onyxia":{"overwriteDefaultWith":"user.constructor.name"},"default":"d"}}})");
  const auto values = initial_values(schema, Json::object(), json(R"({"user":{}})"));
  ASSERT_TRUE(values);
  EXPECT_EQ(values->dump(), R"({"__proto__":{"polluted":true},"constructor":"d"})");
}

}  // namespace
}  // namespace passerelle::spawners::chart
