#include "hub/form.hpp"

#include "hub/parts.hpp"

namespace passerelle::hub {
namespace {

using web::Json;

// Where the words differ from English: "not-integer" is the message form.not-integer, with {bound}.
Json refusal(const config::ValueProblem& wrong) {
  return web::say("form." + std::string(wrong.reason), {{"bound", wrong.bound}});
}

Json choice_rows(const config::FormField& field, const std::string& value) {
  Json rows = Json::array();
  for (const std::string& choice : field.choices)
    rows.push_back({{"value", choice}, {"selected", choice == value}});
  return rows;
}

Json field_view(const config::Profile& profile,
                const config::FormField& field,
                const config::Values& values,
                const config::ValueProblem* wrong) {
  const auto given = values.find(field.name);
  const std::string value = given == values.end() ? config::standard_value(field) : given->second;
  const bool number = field.type == "integer" || field.type == "number";
  Json view = {{"name", profile.name + ":" + field.name},
               {"id", "field-" + profile.name + "-" + field.name},
               {"label", web::words(field.title, field.name)},
               {"value", value}};
  if (!field.description.empty()) view["about"] = web::words(field.description, "");
  if (wrong != nullptr && wrong->field == field.name) view["wrong"] = refusal(*wrong);
  if (!field.choices.empty()) {
    view["select"] = {{"choices", choice_rows(field, value)}};
  } else if (field.type == "boolean") {
    view["tick"] = {{"checked", value == "true"}};
  } else {
    view["entry"] = {{"number", number}, {"whole", field.type == "integer"}};
    if (!field.minimum.empty()) view["entry"]["minimum"] = field.minimum;
    if (!field.maximum.empty()) view["entry"]["maximum"] = field.maximum;
  }
  return view;
}

}  // namespace

std::optional<config::ValueProblem> problem_with(const Parts& parts, const LaunchRequest& request) {
  const config::Profile* profile = parts.launcher.profile_for(request);
  if (profile == nullptr || request.same_values || profile->kubernetes) return std::nullopt;
  const auto checked = config::checked_values(profile->form, request.values);
  if (const auto* wrong = std::get_if<config::ValueProblem>(&checked)) return *wrong;
  return std::nullopt;
}

Json fields_view(const config::Profile& profile,
                 const config::Values& values,
                 const config::ValueProblem* wrong) {
  Json fields = Json::array();
  for (const config::FormField& field : profile.form)
    fields.push_back(field_view(profile, field, values, wrong));
  return fields;
}

config::Values values_from(const config::Profile& profile, const text::Form& sent) {
  config::Values values;
  for (const config::FormField& field : profile.form) {
    std::string value(text::field(sent, profile.name + ":" + field.name));
    if (field.type == "boolean") value = value.empty() ? "false" : "true";
    if (!value.empty()) values[field.name] = std::move(value);
  }
  return values;
}

}  // namespace passerelle::hub
