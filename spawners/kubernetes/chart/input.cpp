#include "spawners/kubernetes/chart/input.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "spawners/kubernetes/chart/candidate.hpp"
#include "spawners/kubernetes/chart/initial_values.hpp"

namespace passerelle::spawners::chart {
namespace {

constexpr std::size_t kMostInputs = 2000;
constexpr std::size_t kLongestValue = 256U << 10U;

Error refused(const Path& path, const std::string& why) {
  return {Errc::invalid, Cause::values_invalid, to_string(path) + ": " + why};
}

bool is_true(const Json* value) {
  return value != nullptr && *value == true;
}

bool fixed(const Json& schema) {
  const Json* own = member(schema, "x-onyxia");
  const bool ours =
      own != nullptr && (is_true(member(*own, "hidden")) || is_true(member(*own, "readonly")));
  return ours || schema.contains("const") || is_true(member(schema, "hidden"));
}

/// Whether something inside may not be changed: then the whole may not be replaced either.
bool fixed_inside(const Json& schema) {
  if (!schema.is_object()) return false;
  if (fixed(schema)) return true;
  if (const Json* items = member(schema, "items"); items != nullptr && fixed_inside(*items))
    return true;
  const Json* properties = member(schema, "properties");
  return properties != nullptr && properties->is_object() &&
         std::any_of(properties->begin(), properties->end(), fixed_inside);
}

const Json* step_down(const Json& schema, const Step& step) {
  if (std::holds_alternative<std::size_t>(step))
    return type_of(schema) == Type::list ? member(schema, "items") : nullptr;
  const Json* properties = member(schema, "properties");
  return properties == nullptr ? nullptr : member(*properties, std::get<std::string>(step));
}

/// The schema of a place that people may reach.
Result<const Json*> reachable(const Json& schema, const Path& path) {
  const Json* at = &schema;
  for (const Step& step : path) {
    at = step_down(*at, step);
    if (at == nullptr || !at->is_object() || !type_of(*at))
      return refused(path, "is no place of this chart's form");
    if (fixed(*at)) return refused(path, "cannot be changed");
  }
  return at;
}

/// ... and give a value: an object's members are named one by one, unless it is an item of a list.
Result<const Json*> changeable(const Json& schema, const Path& path) {
  const auto at = reachable(schema, path);
  if (!at) return at;
  if (std::holds_alternative<std::string>(path.back()) && member(**at, "properties") != nullptr)
    return refused(path, "holds several values; name one");
  if (fixed_inside(**at)) return refused(path, "holds values that cannot be changed");
  return at;
}

Result<Json> fitting(const Json& schema, const Scope& scope, const Path& path, const Json& value) {
  if (count_values(value) > Bounds{}.members || value.dump().size() > kLongestValue)
    return refused(path, "is too large");
  Judgement judged = judge(schema, scope, value);
  if (judged.valid) return value;
  if (judged.near) return std::move(*judged.near);
  return refused(path, "does not fit: " + (schema.contains("pattern") && value.is_string()
                                               ? "another form is asked for"
                                               : std::string("another value is asked for")));
}

/// Makes the item behind the last one of a list, when the path leads through it.
Result<void> grow(const Json& schema, const Scope& scope, Json& values, const Path& path) {
  Path above;
  for (const Step& step : path) {
    const auto* index = std::get_if<std::size_t>(&step);
    Json* list = index == nullptr ? nullptr : at(values, above);
    if (list != nullptr && list->is_array() && *index == list->size()) {
      const auto place = reachable(schema, above);
      if (!place) return place.error();
      auto item = initial_item((*place)->at("items"), scope);
      if (!item) return refused(path, "is not there");
      list->push_back(std::move(*item));
      return {};
    }
    above.push_back(step);
  }
  return refused(path, "is not there");
}

Result<void> append(Json& values, const Path& path, Json value) {
  const Path above(path.begin(), path.end() - 1);
  Json* list = at(values, above);
  const auto* index = std::get_if<std::size_t>(&path.back());
  if (list == nullptr || !list->is_array() || index == nullptr || *index != list->size())
    return refused(path, "is not there");
  list->push_back(std::move(value));
  return {};
}

Result<void> set(const Json& schema, const Scope& scope, Json& values, const Input& input) {
  const auto place = changeable(schema, input.path);
  if (!place) return place.error();
  auto value = fitting(**place, scope, input.path, *input.value);
  if (!value) return std::move(value.error());
  const bool item = std::holds_alternative<std::size_t>(input.path.back());
  if (at(values, input.path) == nullptr) {
    auto made = item ? append(values, input.path, *value) : grow(schema, scope, values, input.path);
    if (!made || item) return made;
  }
  Json* there = at(values, input.path);
  if (there == nullptr) return refused(input.path, "is not there");
  *there = std::move(*value);
  return {};
}

Result<void> remove(const Json& schema, Json& values, const Input& input) {
  Path above = input.path;
  above.pop_back();
  const auto* index = std::get_if<std::size_t>(&input.path.back());
  if (index == nullptr || above.empty()) return refused(input.path, "cannot be removed");
  const auto place = reachable(schema, above);
  if (!place) return place.error();
  Json* list = at(values, above);
  if (list == nullptr || !list->is_array() || *index >= list->size())
    return refused(input.path, "is not there");
  list->erase(*index);
  return {};
}

/// Lists may have grown or shrunk: their lengths must fit at the end.
Result<void> check_lists(const Json& schema,
                         const Scope& scope,
                         const Json& values,
                         const std::vector<Input>& inputs) {
  for (const Input& input : inputs) {
    Path path = input.path;
    while (!path.empty() && std::holds_alternative<std::string>(path.back())) path.pop_back();
    if (path.empty()) continue;
    path.pop_back();
    const auto place = reachable(schema, path);
    const Json* list = at(values, path);
    if (!place || list == nullptr) return refused(path, "is no list");
    if (!judge(**place, scope, *list).valid)
      return refused(path, "has too few, too many or wrong items");
  }
  return {};
}

}  // namespace

Result<Json> with_input(const Json& schema,
                        const Scope& scope,
                        Json values,
                        const std::vector<Input>& inputs) {
  if (inputs.size() > kMostInputs) return Error(Errc::exhausted, "too many values");
  for (const Input& input : inputs) {
    if (input.path.empty()) return Error(Errc::invalid, "a value without a place");
    auto done = input.value ? set(schema, scope, values, input) : remove(schema, values, input);
    if (!done) return std::move(done.error());
  }
  if (auto good = check_lists(schema, scope, values, inputs); !good) return std::move(good.error());
  return values;
}

bool hidden(const Json& schema, const Json& values, const Path& path) {
  if (schema.contains("const")) return true;
  const Json* own = member(schema, "x-onyxia");
  if (own != nullptr && is_true(member(*own, "hidden"))) return true;
  const Json* rule = member(schema, "hidden");
  if (rule == nullptr || !rule->is_object()) return is_true(rule);
  const Json* value = member(*rule, "value");
  const Json* where = member(*rule, "path");
  if (value == nullptr || where == nullptr || !where->is_string()) return false;
  Path target;
  if (is_true(member(*rule, "isPathRelative")) && !path.empty())
    target.assign(path.begin(), path.end() - 1);
  for (const std::string_view name : text::split(where->get_ref<const std::string&>(), '/'))
    target.emplace_back(std::string(name));
  const Json* there = at(values, target);
  return there != nullptr && same(*there, *value);
}

}  // namespace passerelle::spawners::chart
