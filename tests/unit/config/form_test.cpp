#include "config/form.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passerelle::config {
namespace {

FormField field(const char* name, const char* type) {
  FormField made;
  made.name = name;
  made.type = type;
  return made;
}

/// A form such as a cluster's.
std::vector<FormField> form() {
  FormField cores = field("cores", "integer");
  cores.minimum = "1";
  cores.maximum = "32";
  cores.standard = "2";
  FormField share = field("share", "number");
  share.minimum = "-0.5";
  share.maximum = "1.5";
  share.standard = "1";
  FormField hours = field("hours", "integer");
  hours.choices = {"1", "4", "8"};
  hours.standard = "4";
  FormField project = field("project", "string");
  project.pattern = "[a-z0-9-]+";
  project.max_length = 8;
  FormField gpu = field("gpu", "enum");
  gpu.choices = {"a100", "v100"};
  FormField night = field("night", "boolean");
  return {cores, share, hours, project, gpu, night};
}

Values used(const Values& given) {
  auto checked = checked_values(form(), given);
  if (const auto* problem = std::get_if<ValueProblem>(&checked)) {
    ADD_FAILURE() << sentence(*problem);
    return {};
  }
  return std::get<Values>(checked);
}

std::string refused(const std::string& name, const std::string& value) {
  const auto checked = checked_values(form(), {{name, value}});
  const auto* problem = std::get_if<ValueProblem>(&checked);
  if (problem == nullptr) return "taken as " + std::get<Values>(checked).at(name);
  EXPECT_EQ(problem->field, name);
  return std::string(problem->reason) + (problem->bound.empty() ? "" : " " + problem->bound);
}

TEST(Form, FillsInTheDefaults) {
  EXPECT_EQ(used({}), (Values{{"cores", "2"},
                              {"share", "1"},
                              {"hours", "4"},
                              {"project", ""},
                              {"gpu", "a100"},
                              {"night", "false"}}));
}

TEST(Form, WritesNumbersInOneWay) {
  EXPECT_EQ(used({{"cores", "+08"}}).at("cores"), "8");
  EXPECT_EQ(used({{"share", "-0.0"}}).at("share"), "0");
  EXPECT_EQ(used({{"share", "1.50"}}).at("share"), "1.5");
  EXPECT_EQ(used({{"share", "5e-1"}}).at("share"), "0.5");
}

TEST(Form, RefusesWhatIsNotPossible) {
  EXPECT_EQ(refused("cores", "0"), "too-small 1");
  EXPECT_EQ(refused("cores", "33"), "too-large 32");
  EXPECT_EQ(refused("cores", "4.0"), "not-integer");
  EXPECT_EQ(refused("cores", "9999999999999999999999"), "not-integer");
  EXPECT_EQ(refused("share", "nan"), "not-number");
  EXPECT_EQ(refused("share", "inf"), "not-number");
  EXPECT_EQ(refused("share", "0x1p0"), "not-number");
  EXPECT_EQ(refused("share", "1e300"), "too-large 1.5");
  EXPECT_EQ(refused("hours", "2"), "not-a-choice");
  EXPECT_EQ(refused("gpu", "A100"), "not-a-choice");
  EXPECT_EQ(refused("night", "on"), "not-boolean");
  EXPECT_EQ(refused("project", "pr clim"), "no-match");
  EXPECT_EQ(refused("project", "123456789"), "too-long 8");
  EXPECT_EQ(refused("colour", "red"), "unknown");
}

/// What hostile forms try: another command, another option, another line of a script.
TEST(Form, KeepsOneLineOneValue) {
  for (const std::string value :
       {"4\n#OAR -l /nodes=9", "4;id", "$(id)", "`id`", "-x", "4 --uid=0", "'4'"})
    EXPECT_EQ(refused("cores", value), "not-integer") << value;
  for (const std::string value : {"a;id", "$(id)", "`id`", "a b", "'a'", "é"})
    EXPECT_EQ(refused("project", value), "no-match") << value;
  EXPECT_EQ(refused("project", "a\n-x"), "bad-text");
  std::vector<FormField> free{field("note", "string")};
  const auto reason = [&](const std::string& value) -> std::string {
    const auto checked = checked_values(free, {{"note", value}});
    const auto* problem = std::get_if<ValueProblem>(&checked);
    return problem == nullptr ? "" : std::string(problem->reason);
  };
  EXPECT_EQ(reason("deux\nlignes"), "bad-text");
  EXPECT_EQ(reason(std::string("z\0ro", 4)), "bad-text");
  EXPECT_EQ(reason("\xff\xfe"), "bad-text");
  EXPECT_EQ(reason("Été à l'œuvre"), "");
}

TEST(Form, ANeededTextMayNotBeEmpty) {
  FormField project = field("project", "string");
  project.required = true;
  const auto checked = checked_values({project}, {{"project", ""}});
  ASSERT_TRUE(std::holds_alternative<ValueProblem>(checked));
  EXPECT_EQ(sentence(std::get<ValueProblem>(checked)), "project: a value is needed");
}

}  // namespace
}  // namespace passerelle::config
