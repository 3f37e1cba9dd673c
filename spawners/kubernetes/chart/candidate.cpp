#include "spawners/kubernetes/chart/candidate.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.hpp"

namespace passerelle::spawners::chart {
namespace {

std::optional<Type> type_named(const Json& name) {
  constexpr std::pair<const char*, Type> kNames[] = {
      {"object", Type::object},   {"array", Type::list},      {"string", Type::text},
      {"boolean", Type::boolean}, {"integer", Type::integer}, {"number", Type::number}};
  for (const auto& [text, type] : kNames)
    if (name == text) return type;
  return std::nullopt;
}

std::optional<Type> type_of_value(const Json& value) {
  if (value.is_string()) return Type::text;
  if (value.is_boolean()) return Type::boolean;
  if (value.is_number()) return Type::number;
  if (value.is_array()) return Type::list;
  if (value.is_object()) return Type::object;
  return std::nullopt;
}

std::optional<double> number_at(const Json& schema, const char* key) {
  const Json* value = member(schema, key);
  return value != nullptr && value->is_number() ? std::optional<double>(value->get<double>())
                                                : std::nullopt;
}

/// What a number begins with: "8Gi" is 8, as JavaScript's parseFloat has it.
std::optional<double> leading_number(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\f\v");
  if (first == std::string_view::npos) return std::nullopt;
  text.remove_prefix(first);
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::size_t digit = text.starts_with('-') ? 1 : 0;
  if (digit >= text.size() ||
      std::string_view("0123456789.").find(text[digit]) == std::string::npos)
    return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional<double>(number) : std::nullopt;
}

Json json_number(double number) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (number == std::round(number) && std::fabs(number) < kExact)
    return static_cast<std::int64_t>(number);
  return number;
}

bool in_slider(const Json& schema, double number) {
  const auto least = number_at(schema, "sliderMin");
  const auto most = number_at(schema, "sliderMax");
  return !(least && number < *least) && !(most && number > *most);
}

bool good_text(const Json& schema, const std::string& text) {
  const Json* pattern = member(schema, "pattern");
  if (pattern != nullptr && pattern->is_string() && !matches(pattern->get<std::string>(), text))
    return false;
  const Json* unit = member(schema, "sliderUnit");
  if (unit == nullptr || !unit->is_string()) return true;
  const std::string suffix = unit->get<std::string>();
  if (!text.ends_with(suffix)) return false;
  const auto number = leading_number(text.substr(0, text.size() - suffix.size()));
  return number && in_slider(schema, *number);
}

bool good_number(const Json& schema, double number) {
  const auto minimum = number_at(schema, "minimum");
  if (minimum && number < *minimum) return false;
  if (!in_slider(schema, number)) return false;
  return type_of(schema) != Type::integer || number == std::round(number);
}

Judgement near_text(const Json& schema, std::string text) {
  if (!good_text(schema, text)) return {};
  return {false, Json(std::move(text))};
}

Judgement near_number(const Json& schema, std::optional<double> number) {
  if (!number || !good_number(schema, *number)) return {};
  return {false, json_number(*number)};
}

Judgement judge_text(const Json& schema, Type type, const std::string& value) {
  if (type == Type::text) return {good_text(schema, value), std::nullopt};
  if (type == Type::integer || type == Type::number)
    return near_number(schema, leading_number(value));
  if (type != Type::boolean) return {};
  const std::string word = text::ascii_lower(value);
  for (const char* yes : {"true", "yes", "1", "on"})
    if (word == yes) return {false, Json(true)};
  for (const char* no : {"false", "no", "0", "off"})
    if (word == no) return {false, Json(false)};
  return {};
}

Judgement judge_number(const Json& schema, Type type, const Json& value) {
  const double number = value.get<double>();
  if (type == Type::text) return near_text(schema, number_text(value));
  if (type == Type::boolean) return {false, Json(number != 0)};
  if (type == Type::integer || type == Type::number)
    return {good_number(schema, number), std::nullopt};
  return {};
}

Judgement judge_boolean(const Json& schema, Type type, bool value) {
  if (type == Type::boolean) return {true, std::nullopt};
  if (type == Type::text) return near_text(schema, value ? "true" : "false");
  if (type == Type::integer || type == Type::number) return near_number(schema, value ? 1 : 0);
  return {};
}

Judgement judge_null(const Json& schema, Type type) {
  if (type == Type::boolean) return {false, Json(false)};
  if (type == Type::text) return near_text(schema, "");
  if (type == Type::integer || type == Type::number) return near_number(schema, 0);
  return {};
}

/// One more member of what is being judged: false when nothing can be made of it.
bool take(Judgement judged, const Json& value, Json& made, bool& changed) {
  if (!judged.valid && !judged.near) return false;
  changed = changed || !judged.valid;
  made = judged.valid ? value : std::move(*judged.near);
  return true;
}

Judgement judge_list(const Json& schema, const Scope& scope, const Json& value) {
  const auto size = static_cast<double>(value.size());
  if (size < number_at(schema, "minItems").value_or(0)) return {};
  if (const auto most = number_at(schema, "maxItems"); most && size > *most) return {};
  const Json* items = member(schema, "items");
  if (items == nullptr || !type_of(*items)) return {true, std::nullopt};
  Json made = value;
  bool changed = false;
  for (std::size_t i = 0; i < value.size(); ++i)
    if (!take(judge(*items, scope, value[i]), value[i], made[i], changed)) return {};
  return changed ? Judgement{false, std::move(made)} : Judgement{true, std::nullopt};
}

Judgement judge_object(const Json& schema, const Scope& scope, const Json& value) {
  const Json* properties = member(schema, "properties");
  if (properties == nullptr) return {true, std::nullopt};
  Json made = Json::object();
  bool changed = false;
  for (const auto& [name, property] : properties->items()) {
    const Json* own = member(value, name);
    if (own == nullptr) return {};
    if (!type_of(property))
      made[name] = *own;
    else if (!take(judge(property, scope, *own), *own, made[name], changed))
      return {};
  }
  changed = changed || value.size() > properties->size();
  return changed ? Judgement{false, std::move(made)} : Judgement{true, std::nullopt};
}

Judgement judge_without_options(const Json& schema, const Scope& scope, const Json& value) {
  const auto type = type_of(schema);
  if (!type) return {};
  if (value.is_string()) return judge_text(schema, *type, value.get<std::string>());
  if (value.is_number()) return judge_number(schema, *type, value);
  if (value.is_boolean()) return judge_boolean(schema, *type, value.get<bool>());
  if (value.is_null()) return judge_null(schema, *type);
  if (value.is_array()) return *type == Type::list ? judge_list(schema, scope, value) : Judgement{};
  return *type == Type::object ? judge_object(schema, scope, value) : Judgement{};
}

/// Of what the context offers, everything that fits; what does not is left out.
std::vector<Json> offered(const Json& schema, const Scope& scope) {
  const Json* own = member(schema, "x-onyxia");
  const Json* expression = own == nullptr ? nullptr : member(*own, "overwriteListEnumWith");
  if (expression == nullptr) return {};
  const auto found = evaluate(*expression, scope);
  if (!found || !found->is_array()) return {};
  std::vector<Json> options;
  for (const Json& one : *found) {
    Judgement judged = judge_without_options(schema, scope, one);
    if (judged.valid)
      options.push_back(one);
    else if (judged.near)
      options.push_back(std::move(*judged.near));
  }
  return options;
}

/// What the chart lists: all of it must fit.
std::vector<Json> listed(const Json& schema, const Scope& scope, const char* key) {
  const Json* list = member(schema, key);
  if (list == nullptr || !list->is_array()) return {};
  for (const Json& one : *list)
    if (!judge_without_options(schema, scope, one).valid) return {};
  return {list->begin(), list->end()};
}

}  // namespace

std::optional<Type> type_of(const Json& schema) {
  if (const Json* type = member(schema, "type")) {
    if (type->is_string()) return type_named(*type);
    if (!type->is_array()) return std::nullopt;
    for (const Json& one : *type)
      if (one != "null") return type_named(one);
    return std::nullopt;
  }
  if (const Json* fixed = member(schema, "const")) return type_of_value(*fixed);
  return member(schema, "properties") != nullptr ? std::optional<Type>(Type::object) : std::nullopt;
}

Judgement judge(const Json& schema, const Scope& scope, const Json& value) {
  Judgement judged = judge_without_options(schema, scope, value);
  const Json* meant = judged.valid ? &value : judged.near ? &*judged.near : nullptr;
  if (meant == nullptr) return judged;
  const std::vector<Json> options = options_of(schema, scope);
  const bool listed_there = std::any_of(options.begin(), options.end(),
                                        [meant](const Json& one) { return same(one, *meant); });
  return options.empty() || listed_there ? judged : Judgement{};
}

std::vector<Json> options_of(const Json& schema, const Scope& scope) {
  if (auto options = offered(schema, scope); !options.empty()) return options;
  if (auto options = listed(schema, scope, "listEnum"); !options.empty()) return options;
  return listed(schema, scope, "enum");
}

}  // namespace passerelle::spawners::chart
