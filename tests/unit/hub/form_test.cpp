#include "hub/form.hpp"

#include <gtest/gtest.h>

namespace passerelle::hub {
namespace {

using config::FormField;
using config::Values;

FormField field(std::string name, std::string type) {
  FormField made;
  made.name = std::move(name);
  made.type = std::move(type);
  return made;
}

/// cores (1..8), model (a choice), gpu (a tick), note (a text)
config::Profile profile() {
  config::Profile made;
  made.name = "job";
  FormField cores = field("cores", "integer");
  cores.minimum = "1";
  cores.maximum = "8";
  cores.standard = "2";
  FormField model = field("model", "enum");
  model.choices = {"a100", "v100"};
  made.form = {cores, model, field("gpu", "boolean"), field("note", "string")};
  return made;
}

TEST(Form, TakesItsOwnFieldsOnly) {
  const text::Form sent = {{"job:cores", "4"},  {"other:cores", "99"}, {"cores", "98"},
                           {"job:nosuch", "x"}, {"job:gpu", "on"},     {"profile", "job"}};
  EXPECT_EQ(values_from(profile(), sent), (Values{{"cores", "4"}, {"gpu", "true"}}));
}

TEST(Form, ATickThatIsNotSentIsAnAnswer) {
  EXPECT_EQ(values_from(profile(), {}), (Values{{"gpu", "false"}}));
}

TEST(Form, LeavesWhatIsHostileAsItIsForTheCheck) {
  const std::string hostile = "x' OR '1'='1\n$(id)";
  EXPECT_EQ(values_from(profile(), {{"job:note", hostile}}).at("note"), hostile);
}

TEST(Form, ShowsTheDefaultOrWhatWasSent) {
  const auto fresh = fields_view(profile(), {}, nullptr);
  ASSERT_EQ(fresh.size(), 4U);
  EXPECT_EQ(fresh[0]["name"], "job:cores");
  EXPECT_EQ(fresh[0]["value"], "2");
  EXPECT_EQ(fresh[0]["entry"]["minimum"], "1");
  EXPECT_EQ(fresh[0]["entry"]["maximum"], "8");
  EXPECT_EQ(fresh[0]["entry"]["whole"], true);
  EXPECT_FALSE(fresh[0].contains("wrong"));
  EXPECT_EQ(fresh[1]["select"]["choices"][0]["selected"], true) << "the first one";
  EXPECT_EQ(fresh[2]["tick"]["checked"], false);
  EXPECT_EQ(fresh[3]["entry"]["number"], false);

  const Values given = {{"cores", "99"}, {"model", "v100"}, {"gpu", "true"}, {"note", "<b>"}};
  const auto again = fields_view(profile(), given, nullptr);
  EXPECT_EQ(again[0]["value"], "99") << "what was refused can be put right";
  EXPECT_EQ(again[1]["select"]["choices"][0]["selected"], false);
  EXPECT_EQ(again[1]["select"]["choices"][1]["selected"], true);
  EXPECT_EQ(again[2]["tick"]["checked"], true);
  EXPECT_EQ(again[3]["value"], "<b>") << "the template escapes it";
}

TEST(Form, SaysWhatIsWrongBesideThatFieldOnly) {
  const config::ValueProblem wrong{"cores", "too-large", "8"};
  const auto shown = fields_view(profile(), {{"cores", "99"}}, &wrong);
  EXPECT_TRUE(shown[0].contains("wrong"));
  for (std::size_t i = 1; i < shown.size(); ++i) EXPECT_FALSE(shown[i].contains("wrong")) << i;
}

}  // namespace
}  // namespace passerelle::hub
