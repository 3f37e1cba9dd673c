#include "spawners/kubernetes/chart/initial_values.hpp"

#include <cmath>

#include "spawners/kubernetes/chart/candidate.hpp"

namespace passerelle::spawners::chart {
namespace {

/// Lists of lists could multiply without end.
class Budget {
 public:
  bool spend(std::size_t values) {
    if (values > left_) return false;
    left_ -= values;
    return true;
  }

 private:
  std::size_t left_ = Bounds{}.values;
};

Error too_many() {
  return {Errc::exhausted, "values.schema.json: asks for too many values"};
}

Error nothing_for(const std::string& place) {
  return {Errc::invalid, "values.schema.json: there is no valid value for " +
                             (place.empty() ? "the whole" : place)};
}

std::string below(const std::string& place, const std::string& name) {
  return place.empty() ? name : place + "." + name;
}

const Json* onyxia(const Json& schema, std::string_view key) {
  const Json* own = member(schema, "x-onyxia");
  return own == nullptr ? nullptr : member(*own, key);
}

/// What may stand in a place: what the chart says of it, and where we are.
struct Place {
  const Json& schema;
  const Json* yaml;  ///< What values.yaml has there; null: nothing
  const Scope& scope;
  Budget& budget;
  std::string name;
};

Result<Json> value_of(const Place& place);

Result<Json> members_of(const Place& place, const Json& properties) {
  Json made = Json::object();
  for (const auto& [name, schema] : properties.items()) {
    if (!type_of(schema)) continue;
    const Json* yaml = place.yaml == nullptr ? nullptr : member(*place.yaml, name);
    auto value = value_of({schema, yaml, place.scope, place.budget, below(place.name, name)});
    if (!value) return value;
    made[name] = std::move(*value);
  }
  return made;
}

/// Each property is looked up in the element by its own name, unless it says otherwise.
Json with_implied_names(Json items) {
  for (auto& [name, property] : items["properties"].items()) {
    if (!property.is_object()) continue;
    Json& own = property["x-onyxia"];
    if (!own.is_object()) own = Json::object();
    if (!own.contains("overwriteDefaultWith")) own["overwriteDefaultWith"] = "{{" + name + "}}";
  }
  return items;
}

/// A list of objects for a list whose items are objects: element by element, as the items' schema
/// wants them. Stays as it is when one of them does not fit.
Json mapped(const Place& place, Json list) {
  const Json* items = member(place.schema, "items");
  if (!list.is_array() || type_of(place.schema) != Type::list || items == nullptr) return list;
  if (member(*items, "properties") == nullptr || type_of(*items) != Type::object) return list;
  const Json schema = with_implied_names(*items);
  Json made = Json::array();
  for (const Json& element : list) {
    if (!element.is_object()) return list;
    const Scope inner{element, &place.scope};
    auto value = value_of({schema, nullptr, inner, place.budget, place.name});
    if (!value) return list;
    made.push_back(std::move(*value));
  }
  return made;
}

std::optional<Json> overwritten(const Place& place) {
  const Json* expression = onyxia(place.schema, "overwriteDefaultWith");
  if (expression == nullptr) return std::nullopt;
  auto value = evaluate(*expression, place.scope);
  if (!value) return std::nullopt;
  value = mapped(place, std::move(*value));
  Judgement judged = judge(place.schema, place.scope, *value);
  return judged.valid ? value : judged.near;
}

Result<Json> copies(const Place& place) {
  Json made = Json::array();
  const Json* least = member(place.schema, "minItems");
  const double wanted = least != nullptr && least->is_number() ? least->get<double>() : 0;
  if (wanted <= 0) return made;
  const Json* items = member(place.schema, "items");
  if (items == nullptr || !type_of(*items)) return nothing_for(place.name);
  auto one = value_of({*items, nullptr, place.scope, place.budget, place.name + "[]"});
  if (!one) return one;
  for (double count = 0; count < wanted; ++count) {
    if (!place.budget.spend(count_values(*one))) return too_many();
    made.push_back(*one);
  }
  return made;
}

/// Called for places that have a type.
Result<Json> value_of(const Place& place) {
  if (!place.budget.spend(1)) return too_many();
  const Json* render = member(place.schema, "render");
  if (render != nullptr && *render == "list" && options_of(place.schema, place.scope).empty())
    return nothing_for(place.name);
  const auto valid = [&place](const Json& value) {
    return judge(place.schema, place.scope, value).valid;
  };
  if (const Json* fixed = member(place.schema, "const"))
    return valid(*fixed) ? Result<Json>(*fixed) : nothing_for(place.name);
  const Type type = *type_of(place.schema);
  const Json* properties = member(place.schema, "properties");
  if (type == Type::object && properties != nullptr) return members_of(place, *properties);
  if (auto value = overwritten(place)) return std::move(*value);
  if (const Json* usual = member(place.schema, "default"); usual != nullptr && valid(*usual))
    return *usual;
  if (place.yaml != nullptr)
    return valid(*place.yaml) ? Result<Json>(*place.yaml) : nothing_for(place.name);
  if (type == Type::list) return copies(place);
  return nothing_for(place.name);
}

void set_sliders(Json& node, const Json& sliders) {
  if (!node.is_structured()) return;
  const Json* name = onyxia(node, "useRegionSliderConfig");
  const Json* ends =
      name == nullptr || !name->is_string() ? nullptr : member(sliders, name->get<std::string>());
  for (const char* key : {"sliderMin", "sliderMax", "sliderStep", "sliderUnit"}) {
    const Json* end = ends == nullptr ? nullptr : member(*ends, key);
    if (end != nullptr) node[key] = *end;
  }
  for (Json& one : node) set_sliders(one, sliders);
}

}  // namespace

Result<Json> initial_values(const Json& schema, const Json& values_yaml, const Json& context) {
  if (type_of(schema) != Type::object)
    return Error(Errc::invalid, "values.schema.json: does not describe an object");
  const Scope scope{context};
  Budget budget;
  auto value = value_of({schema, &values_yaml, scope, budget, {}});
  if (value && !value->is_object())
    return Error(Errc::invalid, "values.schema.json: does not describe an object");
  return value;
}

Result<Json> initial_item(const Json& items, const Scope& scope) {
  if (!type_of(items)) return nothing_for("the item");
  Budget budget;
  return value_of({items, nullptr, scope, budget, "the item"});
}

Json with_region_sliders(Json schema, const Json& context) {
  const Json* region = member(context, "region");
  const Json* sliders = region == nullptr ? nullptr : member(*region, "sliders");
  if (sliders != nullptr) set_sliders(schema, *sliders);
  return schema;
}

}  // namespace passerelle::spawners::chart
