// The form as rows, what a page sends back, links, and what nobody is shown.
#include "spawners/kubernetes/chart/form.hpp"

#include <random>

#include <gmock/gmock.h>

#include "samples.hpp"
#include "spawners/kubernetes/chart/link.hpp"
#include "spawners/kubernetes/chart/write.hpp"

namespace passerelle::spawners::chart {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Form : public testing::Test {
 protected:
  Form() { begin(minilab_schema(), minilab().values); }

  void begin(Json schema, const Json& values) {
    schema_ = std::move(schema);
    initial_ = *initial_values(schema_, values, context_);
  }
  FormParts parts() const { return {schema_, initial_, scope_}; }

  std::vector<Row> rows(const Changes& changes = {}) const {
    const Applied applied = apply_changes(parts(), changes);
    std::vector<Row> all;
    for (Group& group : form_groups(parts(), applied.values, kept_of(parts(), changes)))
      all.insert(all.end(), group.rows.begin(), group.rows.end());
    return all;
  }
  static const Row* find(const std::vector<Row>& rows, const std::string& name) {
    for (const Row& row : rows)
      if (row.kind == Row::Kind::field && row.name == name) return &row;
    return nullptr;
  }

  /// What a browser sends of these rows.
  static std::map<std::string, std::string> sent(const std::vector<Row>& rows) {
    std::map<std::string, std::string> fields;
    for (const Row& row : rows) {
      if (row.kind == Row::Kind::list) fields[row.name + "#"] = std::to_string(row.size);
      if (row.kind == Row::Kind::item) fields[row.name + "#"] = row.from;
      if (row.kind != Row::Kind::field || row.locked) continue;
      if (row.control == Control::tick) {
        if (row.ticked) fields[row.name] = "true";
        continue;
      }
      fields[row.name] = row.value;
      for (const Option& option : row.options)
        if (option.chosen) fields[row.name] = option.value;
    }
    return fields;
  }
  Changes back(const std::map<std::string, std::string>& fields,
               const std::string& add = {},
               const std::string& remove = {}) const {
    return changes_of(parts(), {fields, add, remove});
  }
  std::string first_problem(const Changes& changes) const {
    const auto problems = apply_changes(parts(), changes).problems;
    return problems.empty() ? ""
                            : problems[0].field + " " + std::string(problems[0].reason) + " " +
                                  problems[0].bound;
  }

  Json context_ = json_file("context.json");
  Json schema_;
  Json initial_;
  Scope scope_{context_};
};

TEST_F(Form, ShowsWhatPeopleMayChange) {
  const auto all = rows();
  const Row* cpu = find(all, "resources.limits.cpu");
  ASSERT_NE(cpu, nullptr);
  EXPECT_EQ(cpu->control, Control::number);
  EXPECT_TRUE(cpu->slider);
  EXPECT_EQ(cpu->unit, "m");
  EXPECT_EQ(cpu->semantic, "maximum");
  EXPECT_EQ(find(all, "image.name")->control, Control::choice);
  EXPECT_EQ(find(all, "persistence.enabled")->control, Control::tick);
  EXPECT_EQ(find(all, "service.password")->control, Control::password);
  EXPECT_EQ(find(all, "nodeSelector.")->control, Control::yaml);
  EXPECT_EQ(find(all, "service.basePath"), nullptr);
  EXPECT_EQ(find(all, "s3.accessKeyId"), nullptr);
  EXPECT_EQ(find(all, "global.suspend"), nullptr);
  EXPECT_TRUE(find(all, "persistence.size")->hidden);
  EXPECT_FALSE(find(rows({{"persistence.enabled", "true"}}), "persistence.size")->hidden);
}

TEST_F(Form, JoinsTheEndsOfARange) {
  const auto all = rows();
  const Row* low = find(all, "resources.requests.cpu");
  const Row* high = find(all, "resources.limits.cpu");
  EXPECT_EQ(high, low + 1);
  EXPECT_EQ(high->title, low->title);
}

TEST_F(Form, SentBackAsItIsItChangesNothing) {
  EXPECT_THAT(back(sent(rows())), IsEmpty());
}

TEST_F(Form, TellsWhatWasChanged) {
  auto fields = sent(rows());
  fields["resources.limits.cpu"] = "900";
  fields["git.enabled"] = "true";
  fields.erase("s3.enabled");
  fields["environment[1].value"] = "other";
  fields["nodeSelector."] = "disktype: ssd\r\n";
  const Changes changes = back(fields);
  EXPECT_EQ(changes.at("resources.limits.cpu"), "900m");
  EXPECT_EQ(changes.at("s3.enabled"), "false");
  EXPECT_EQ(changes.at("environment[1].value"), "other");
  EXPECT_EQ(changes.count("environment[0].value"), 0U);
  const Applied applied = apply_changes(parts(), changes);
  EXPECT_THAT(applied.problems, IsEmpty());
  EXPECT_EQ(applied.values["nodeSelector"]["disktype"], "ssd");
  EXPECT_EQ(applied.values["s3"]["enabled"], false);
}

TEST_F(Form, ListsGrowAndShrink) {
  const Changes added = back(sent(rows()), "environment.");
  Applied applied = apply_changes(parts(), added);
  EXPECT_EQ(applied.values["environment"].size(), 3U) << applied.values["environment"];
  // The page that came back, with the first item taken out and the last one filled in.
  auto fields = sent(rows(added));
  fields["environment[2].name"] = "COURSE";
  fields["environment[2].value"] = "spark";
  const Changes changes = back(fields, "", "environment[0]");
  applied = apply_changes(parts(), changes);
  EXPECT_THAT(applied.problems, IsEmpty());
  ASSERT_EQ(applied.values["environment"].size(), 2U);
  EXPECT_EQ(applied.values["environment"][0]["name"], "LAB_PROJECT");
  EXPECT_EQ(applied.values["environment"][1]["value"], "spark");
  // And once more, as the page shows it: the same changes.
  EXPECT_EQ(back(sent(rows(changes))), changes);
  const Changes none = back(sent(rows(changes)), "", "environment[0]");
  EXPECT_EQ(apply_changes(parts(), none).values["environment"].size(), 1U);
}

TEST_F(Form, SaysWhatIsWrongBesideItsField) {
  EXPECT_EQ(first_problem({{"resources.limits.cpu", "99999m"}}),
            "resources.limits.cpu too-large 4000m");
  EXPECT_EQ(first_problem({{"resources.limits.cpu", "5m"}}), "resources.limits.cpu too-small 10m");
  EXPECT_EQ(first_problem({{"resources.limits.cpu", "many"}}), "resources.limits.cpu not-number ");
  EXPECT_EQ(first_problem({{"image.pullPolicy", "Sometimes"}}), "image.pullPolicy not-a-choice ");
  EXPECT_EQ(first_problem({{"git.repository", "file:///etc"}}), "git.repository no-match ");
  EXPECT_EQ(first_problem({{"environment[0].name", "my name"}}), "environment[0].name no-match ");
  EXPECT_EQ(first_problem({{"internal.debug", "true"}}), "internal.debug unknown ");
  EXPECT_EQ(first_problem({{"service.basePath", "/user/bob/"}}), "service.basePath no-match ");
  EXPECT_EQ(first_problem({{"nodeSelector.", "[unclosed"}}), "nodeSelector. no-match ");
  EXPECT_EQ(first_problem({{"a..b", "x"}}), "a..b no-match ");
  EXPECT_EQ(first_problem({{"resources.requests.cpu", "600m"}, {"resources.limits.cpu", "500m"}}),
            "resources.limits.cpu too-small 600m");
}

/// However a page is altered on its way back: nothing but what people may change differs.
TEST_F(Form, WhateverAPageSendsOnlyItsFieldsChange) {
  const auto fields = sent(rows());
  std::vector<std::string> names = {"service.basePath", "s3.accessKeyId",  "global.suspend",
                                    "internal.debug",   "ingress.enabled", "tolerations.",
                                    "environment.",     "environment.#",   "environment[0]#",
                                    "environment[7]#",  "packages.#",      "x"};
  for (const auto& [name, value] : fields) names.push_back(name);
  const std::vector<std::string> values = {"",     "true",      "[]",
                                           "{}",   "-1",        "9999999999",
                                           "0",    "3",         "x",
                                           "8Gi",  "[",         "{{s3.token}}",
                                           "900m", "https://x", std::string(300'000, 'x')};
  std::mt19937 random(20261122);
  int changed = 0;
  for (int round = 0; round < 600; ++round) {
    auto altered = fields;
    for (std::size_t i = 1 + random() % 4; i > 0; --i)
      altered[names[random() % names.size()]] = values[random() % values.size()];
    const Changes changes = back(altered, random() % 4 == 0 ? "environment." : "",
                                 random() % 4 == 0 ? "environment[1]" : "");
    const Json made = apply_changes(parts(), changes).values;
    changed += same(made, initial_) ? 0 : 1;
    for (const char* fixed : {"service.basePath", "s3.accessKeyId", "s3.secretAccessKey",
                              "global.suspend", "tolerations.", "ingress.", "userPreferences."})
      ASSERT_TRUE(same(*at(made, *parse_path(fixed)), *at(initial_, *parse_path(fixed)))) << fixed;
    ASSERT_EQ(made.size(), initial_.size());
  }
  EXPECT_GT(changed, 60);
}

TEST_F(Form, CoversSecrets) {
  const Json shown = covered(parts(), initial_);
  EXPECT_EQ(shown["service"]["password"], "••••••");
  EXPECT_EQ(shown["s3"]["secretAccessKey"], "••••••");
  EXPECT_EQ(shown["resources"]["limits"]["cpu"], initial_["resources"]["limits"]["cpu"]);
  // A secret of the context in a place that the chart does not call one.
  Json values = initial_;
  values["git"]["name"] = "x" + context_["service"]["oneTimePassword"].get<std::string>();
  EXPECT_EQ(covered(parts(), values)["git"]["name"], "••••••");
  for (const Row& row : rows())
    EXPECT_TRUE(row.control != Control::password || row.value.empty()) << row.name;
}

TEST_F(Form, LinksGoBothWays) {
  text::Form query = *text::parse_form(
      "name=lab&version=1.0&s3=x&autoLaunch=true&resources.limits.cpu=%C2%AB900m%C2%BB&"
      "git.enabled=false&environment%5B0%5D=-&environment%5B1%5D.name=%C2%ABA%C2%BB&"
      "environment%5B1%5D.value=1&oidc-spa.x=y&service.password=%C2%ABhunter2hunter2%C2%BB");
  const Changes changes = changes_in(query);
  EXPECT_EQ(changes, (Changes{{"resources.limits.cpu", "900m"},
                              {"git.enabled", "false"},
                              {"environment[0]-", ""},
                              {"environment[1].name", "A"},
                              {"environment[1].value", "1"},
                              {"service.password", "hunter2hunter2"}}));
  const Applied applied = apply_changes(parts(), changes);
  EXPECT_THAT(applied.problems, IsEmpty());
  EXPECT_EQ(applied.values["git"]["enabled"], false);
  EXPECT_EQ(applied.values["environment"][1]["name"], "A");
  const std::string link = link_of(parts(), changes);
  EXPECT_THAT(link, Not(HasSubstr("hunter2")));
  Changes kept = changes;
  kept.erase("service.password");
  EXPECT_EQ(changes_in(*text::parse_form(link)), kept) << link;
}

TEST(Yaml, IsReadBackAsItWas) {
  const Json odd =
      json(R"({"a":"yes","b":"8","c":8,"d":[],"e":{},"f":[{"x":1,"y":["a b",null]},[1,[2]],"- x"],
    "g: h":"#","n":null,"t":true,"u":"multi\nline","v":"2026-11-22","w":"","0x1":"é\u0007","y":"~"})");
  const auto read = parse_yaml(to_yaml(odd), "yaml");
  ASSERT_TRUE(read) << to_yaml(odd);
  EXPECT_TRUE(same(*read, odd)) << to_yaml(odd);
  EXPECT_TRUE(same(*parse_yaml(to_yaml(minilab().values), "yaml"), minilab().values));
}

}  // namespace
}  // namespace passerelle::spawners::chart
