#include "spawners/kubernetes/chart/validate.hpp"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "spawners/kubernetes/chart/candidate.hpp"

namespace passerelle::spawners::chart {
namespace {

constexpr std::size_t kMostMisfits = 20;

nlohmann::json tame(const Json& schema);

/// Names and their schemas: a property may well be called "pattern" or "id".
nlohmann::json tame_named(const Json& named) {
  nlohmann::json made = nlohmann::json::object();
  for (const auto& [name, schema] : named.items()) made[name] = tame(schema);
  return made;
}

nlohmann::json tame_keyword(const std::string& key, const Json& value) {
  if (key == "const" || key == "enum" || key == "default") return nlohmann::json(value);
  const bool named = key == "properties" || key == "definitions" || key == "$defs";
  return named && value.is_object() ? tame_named(value) : tame(value);
}

/// What the library shall see: nothing that makes it fetch something, or hands a stranger's
/// pattern to std::regex, which works on the stack and never gives up.
nlohmann::json tame(const Json& schema) {
  if (schema.is_array()) {
    nlohmann::json made = nlohmann::json::array();
    for (const Json& one : schema) made.push_back(tame(one));
    return made;
  }
  if (!schema.is_object()) return nlohmann::json(schema);
  nlohmann::json made = nlohmann::json::object();
  if (schema.contains("$ref")) return made;
  const bool by_pattern = schema.contains("patternProperties");
  for (const auto& [key, value] : schema.items()) {
    const bool left_out = key == "pattern" || key == "format" || key == "$id" || key == "id" ||
                          key == "patternProperties" || key == "x-onyxia" ||
                          (by_pattern && key == "additionalProperties");
    if (!left_out) made[key] = tame_keyword(key, value);
  }
  return made;
}

/// {"<root>", "[git]", "[0]"} is git[0].
std::string place_of(const std::vector<std::string>& context) {
  std::string place;
  for (const std::string& step : context) {
    if (step.size() < 2 || step.front() != '[') continue;
    const std::string name = step.substr(1, step.size() - 2);
    const bool index = name.find_first_not_of("0123456789") == std::string::npos;
    place += index ? "[" + name + "]" : (place.empty() ? "" : ".") + name;
  }
  return place;
}

/// Patterns are looked at here, with an engine that gives up in time.
void check_patterns(const Json& schema,
                    const Json& value,
                    const std::string& place,
                    std::vector<Misfit>& misfits) {
  if (!schema.is_object() || misfits.size() >= kMostMisfits) return;
  const Json* pattern = member(schema, "pattern");
  if (pattern != nullptr && pattern->is_string() && value.is_string() &&
      !matches(pattern->get<std::string>(), value.get<std::string>()))
    misfits.push_back({place, "Does not match the pattern " + pattern->get<std::string>()});
  const Json* properties = member(schema, "properties");
  if (properties != nullptr && properties->is_object() && value.is_object())
    for (const auto& [name, property] : properties->items())
      if (const Json* own = member(value, name))
        check_patterns(property, *own, place.empty() ? name : place + "." + name, misfits);
  const Json* items = member(schema, "items");
  if (items == nullptr || !value.is_array()) return;
  for (std::size_t i = 0; i < value.size(); ++i)
    check_patterns(*items, value[i], place + "[" + std::to_string(i) + "]", misfits);
}

Result<std::vector<Misfit>> by_library(const Json& schema, const Json& values) {
  std::vector<Misfit> misfits;
  try {
    const nlohmann::json tamed = tame(schema);
    const nlohmann::json plain(values);
    valijson::Schema compiled;
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(tamed), compiled);
    valijson::ValidationResults results;
    valijson::Validator().validate(compiled, valijson::adapters::NlohmannJsonAdapter(plain),
                                   &results);
    valijson::ValidationResults::Error error;
    while (misfits.size() < kMostMisfits && results.popError(error))
      misfits.push_back({place_of(error.context), error.description});
  } catch (const std::exception& error) {
    return Error(Errc::invalid, std::string("values.schema.json: ") + error.what());
  }
  return misfits;
}

}  // namespace

Result<std::vector<Misfit>> validate(const Json& schema, const Json& values) {
  auto misfits = by_library(schema, values);
  if (misfits) check_patterns(schema, values, {}, *misfits);
  return misfits;
}

Json merged(Json values, const Json& over) {
  if (!values.is_object() || !over.is_object()) return over;
  for (const auto& [key, value] : over.items()) {
    if (value.is_null())
      values.erase(key);
    else if (values.contains(key))
      values[key] = merged(std::move(values[key]), value);
    else
      values[key] = value;
  }
  return values;
}

}  // namespace passerelle::spawners::chart
