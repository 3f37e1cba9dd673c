// What a page sends back, as changes, and changes as values.
#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "spawners/kubernetes/chart/candidate.hpp"
#include "spawners/kubernetes/chart/form.hpp"
#include "spawners/kubernetes/chart/initial_values.hpp"
#include "spawners/kubernetes/chart/input.hpp"

namespace passerelle::spawners::chart {
namespace {

constexpr std::size_t kMostItems = 200;

bool is_true(const Json* value) {
  return value != nullptr && *value == true;
}

/// Nobody may change it, or nobody sees it whatever is chosen.
bool fixed(const Json& schema) {
  const Json* own = member(schema, "x-onyxia");
  const bool ours =
      own != nullptr && (is_true(member(*own, "hidden")) || is_true(member(*own, "readonly")));
  return ours || schema.contains("const") || is_true(member(schema, "hidden"));
}

bool plain_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string unit_of(const Json& schema) {
  const Json* unit = member(schema, "sliderUnit");
  return type_of(schema) == Type::text && unit != nullptr && unit->is_string()
             ? unit->get<std::string>()
             : std::string();
}

/// A text is what a person typed; only lists and objects are written as JSON or YAML.
Result<Json> value_of(const Json& schema, const std::string& text) {
  const auto type = type_of(schema);
  if (type != Type::list && type != Type::object) return Json(text);
  return parse_yaml(text, "the value");
}

bool means(const FormParts& parts, const Json& schema, const std::string& text, const Json& now) {
  const auto value = value_of(schema, text);
  if (!value) return false;
  if (same(*value, now)) return true;
  const Judgement judged = judge(schema, parts.scope, *value);
  return judged.near && same(*judged.near, now);
}

class Collecting {
 public:
  Collecting(const FormParts& parts, const Sent& sent) : parts_(parts), sent_(sent) {}

  /// `from`: how the place was called on the page. `now`: its value before; null: a new item's.
  void collect(const Json& schema, const Path& from, const Path& to, const Json* now, bool fresh) {
    if (!schema.is_object() || !type_of(schema) || fixed(schema)) return;
    const Type type = *type_of(schema);
    const Json* properties = member(schema, "properties");
    const Json* items = member(schema, "items");
    if (type == Type::object && properties != nullptr)
      members(*properties, from, to, now, fresh);
    else if (type == Type::list && items != nullptr && type_of(*items))
      list(*items, from, to, now);
    else
      leaf(schema, from, to, now, fresh);
  }

  Changes take() { return std::move(made_); }

 private:
  void members(
      const Json& properties, const Path& from, const Path& to, const Json* now, bool fresh) {
    for (const auto& [name, schema] : properties.items()) {
      Path inner_from = from;
      Path inner_to = to;
      inner_from.emplace_back(name);
      inner_to.emplace_back(name);
      collect(schema, inner_from, inner_to, now == nullptr ? nullptr : member(*now, name), fresh);
    }
  }

  const std::string* sent(const std::string& name) const {
    const auto found = sent_.fields.find(name);
    return found == sent_.fields.end() ? nullptr : &found->second;
  }

  static std::size_t number(const std::string* text, std::size_t otherwise) {
    if (text == nullptr || text->empty() || text->size() > 4 ||
        text->find_first_not_of("0123456789") != std::string::npos)
      return otherwise;
    return std::stoul(*text);
  }

  void list(const Json& items, const Path& from, const Path& to, const Json* now) {
    const std::string name = to_string(from);
    const std::string* count = sent(name + "#");
    if (count == nullptr && sent_.add != name) return;
    const std::size_t before = now != nullptr && now->is_array() ? now->size() : 0;
    const std::size_t size = std::min(number(count, before), kMostItems);
    std::vector<bool> left(before, false);
    std::size_t index = 0;
    const auto begins = initial_item(items, parts_.scope);
    for (std::size_t i = 0; i < size + (sent_.add == name ? 1 : 0); ++i) {
      Path item_from = from;
      Path item_to = to;
      item_from.emplace_back(i);
      item_to.emplace_back(index);
      if (sent_.remove == to_string(item_from)) continue;
      const std::size_t origin = number(sent(to_string(item_from) + "#"), before);
      const bool fresh = origin >= before || left[origin];
      if (!fresh) left[origin] = true;
      const Json* was = fresh ? (begins ? &*begins : nullptr) : &(*now)[origin];
      collect(items, item_from, item_to, was, fresh);
      ++index;
    }
    for (std::size_t i = 0; i < before; ++i) {
      if (left[i]) continue;
      Path gone = to;
      gone.emplace_back(i);
      made_[removal_of(gone)] = "";
    }
  }

  void leaf(const Json& schema, const Path& from, const Path& to, const Json* now, bool fresh) {
    const std::string* text = sent(to_string(from));
    const bool tick = type_of(schema) == Type::boolean && options_of(schema, parts_.scope).empty();
    std::string value = text == nullptr ? "" : *text;
    if (tick) value = text == nullptr ? "false" : "true";
    const bool added = fresh && text == nullptr;
    if (added && now != nullptr) value = now->is_string() ? now->get<std::string>() : now->dump();
    if (text == nullptr && !tick && !added) return;
    if (is_secret(schema) && value.empty() && !fresh) return;  // left as it is
    std::erase(value, '\r');
    if (const std::string unit = unit_of(schema); !unit.empty() && plain_number(text::trim(value)))
      value = std::string(text::trim(value)) + unit;
    if (!fresh && now != nullptr && means(parts_, schema, value, *now)) return;
    made_[to_string(to)] = std::move(value);
  }

  const FormParts& parts_;
  const Sent& sent_;
  Changes made_;
};

std::optional<double> bound(const Json& schema, const char* key) {
  const Json* value = member(schema, key);
  return value != nullptr && value->is_number() ? std::optional(value->get<double>())
                                                : std::nullopt;
}

std::optional<double> number_in(const Json& schema, const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  std::string text = value.get<std::string>();
  if (const std::string unit = unit_of(schema); !unit.empty() && text.ends_with(unit))
    text.resize(text.size() - unit.size());
  if (!plain_number(text) && !(text.starts_with('-') && plain_number(text.substr(1))))
    return std::nullopt;
  return std::strtod(text.c_str(), nullptr);
}

using Problem = config::ValueProblem;

std::optional<Problem> number_problem(const Json& schema, const Json& value) {
  const std::string unit = unit_of(schema);
  const bool numeric =
      type_of(schema) == Type::integer || type_of(schema) == Type::number || !unit.empty();
  if (!numeric) return std::nullopt;
  const auto number = number_in(schema, value);
  if (!number) return Problem{"", "not-number", ""};
  if (type_of(schema) == Type::integer && *number != std::round(*number))
    return Problem{"", "not-integer", ""};
  for (const char* key : {"minimum", "sliderMin"})
    if (const auto least = bound(schema, key); least && *number < *least)
      return Problem{"", "too-small", number_text(Json(*least)) + unit};
  for (const char* key : {"maximum", "sliderMax"})
    if (const auto most = bound(schema, key); most && *number > *most)
      return Problem{"", "too-large", number_text(Json(*most)) + unit};
  return std::nullopt;
}

/// Code points.
double length_of(const std::string& text) {
  return static_cast<double>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::optional<Problem> text_problem(const Json& schema, const Json& value) {
  if (type_of(schema) != Type::text || !value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  if (const auto least = bound(schema, "minLength"); least && length_of(text) < *least)
    return text.empty() ? Problem{"", "missing", ""}
                        : Problem{"", "too-short", number_text(Json(*least))};
  if (const auto most = bound(schema, "maxLength"); most && length_of(text) > *most)
    return Problem{"", "too-long", number_text(Json(*most))};
  return std::nullopt;
}

/// In the words of a form; called for what does not fit, and for what fits as far as Onyxia looks.
std::optional<Problem> problem_of(const FormParts& parts, const Json& schema, const Json& value) {
  if (auto wrong = number_problem(schema, value)) return wrong;
  if (auto wrong = text_problem(schema, value)) return wrong;
  const Judgement judged = judge(schema, parts.scope, value);
  if (judged.valid || judged.near) return std::nullopt;
  if (!options_of(schema, parts.scope).empty()) return Problem{"", "not-a-choice", ""};
  if (type_of(schema) == Type::boolean) return Problem{"", "not-boolean", ""};
  return Problem{"", "no-match", ""};
}

/// A path as something that sorts as the form does.
bool before(const Input& a, const Input& b) {
  if (a.value.has_value() != b.value.has_value()) return !a.value;
  return a.value ? a.path < b.path : b.path < a.path;
}

/// The lower end of a range above its upper one.
void check_ranges(const FormParts& parts,
                  const Json& schema,
                  const Path& path,
                  Applied& applied,
                  std::map<std::string, std::pair<double, std::string>>& lower,
                  bool upper) {
  const Json* properties = member(schema, "properties");
  if (properties != nullptr) {
    for (const auto& [name, inner] : properties->items()) {
      Path below = path;
      below.emplace_back(name);
      check_ranges(parts, inner, below, applied, lower, upper);
    }
    return;
  }
  const Json* range = member(schema, "sliderRangeId");
  const Json* end = member(schema, "sliderExtremity");
  const Json* value = at(applied.values, path);
  if (range == nullptr || !range->is_string() || end == nullptr || value == nullptr) return;
  const auto number = number_in(schema, *value);
  if (!number || (*end == "up") != upper) return;
  const std::string id = range->get<std::string>() + " " + unit_of(schema);
  if (!upper) {
    lower[id] = {*number, number_text(Json(*number)) + unit_of(schema)};
    return;
  }
  const auto low = lower.find(id);
  if (low != lower.end() && low->second.first > *number)
    applied.problems.push_back({to_string(path), "too-small", low->second.second});
}

}  // namespace

std::string removal_of(const Path& item) {
  return to_string(item) + "-";
}

Changes changes_of(const FormParts& parts, const Sent& sent) {
  Collecting collecting(parts, sent);
  collecting.collect(parts.schema, {}, {}, &parts.initial, false);
  return collecting.take();
}

ListsKept kept_of(const FormParts& parts, const Changes& changes) {
  ListsKept kept;
  const auto inputs = inputs_of(parts, changes);
  if (!inputs) return kept;
  for (const Input& input : *inputs) {
    if (input.value) break;  // removals come first, the highest index first
    const Path list(input.path.begin(), input.path.end() - 1);
    const Json* before = at(parts.initial, list);
    if (before == nullptr || !before->is_array()) continue;
    auto& left = kept[to_string(list)];
    if (left.empty())
      for (std::size_t index = 0; index < before->size(); ++index)
        left.push_back(std::to_string(index));
    const std::size_t index = std::get<std::size_t>(input.path.back());
    if (index < left.size()) left.erase(left.begin() + static_cast<std::ptrdiff_t>(index));
  }
  return kept;
}

Result<std::vector<Input>> inputs_of(const FormParts& parts, const Changes& changes) {
  std::vector<Input> inputs;
  for (const auto& [name, text] : changes) {
    const auto no = [&name = name](const std::string& why) {
      return Error(Errc::invalid, Cause::values_invalid, name.substr(0, 64) + ": " + why);
    };
    const bool removal = name.ends_with("]-");
    auto path = parse_path(removal ? std::string_view(name).substr(0, name.size() - 1) : name);
    if (!path) return no("is no place of this chart's form");
    if (removal) {
      inputs.push_back({std::move(*path), std::nullopt});
      continue;
    }
    const Json* schema = schema_at(parts.schema, *path);
    auto value = schema == nullptr ? Result<Json>(Json(text)) : value_of(*schema, text);
    if (!value) return no(value.error().message());
    inputs.push_back({std::move(*path), std::move(*value)});
  }
  std::stable_sort(inputs.begin(), inputs.end(), before);
  // What is left as it was needs no right to change it; after a removal indices mean other items.
  const bool removes = !inputs.empty() && !inputs.front().value;
  if (!removes)
    std::erase_if(inputs, [&parts](const Input& input) {
      const Json* now = at(parts.initial, input.path);
      return now != nullptr && same(*now, *input.value);
    });
  return inputs;
}

Applied apply_changes(const FormParts& parts, const Changes& changes) {
  Applied applied{parts.initial, {}};
  std::vector<Input> inputs;
  for (const auto& change : changes) {
    auto one = inputs_of(parts, {change});
    if (one)
      inputs.insert(inputs.end(), one->begin(), one->end());
    else
      applied.problems.push_back({change.first, "no-match", ""});
  }
  std::stable_sort(inputs.begin(), inputs.end(), before);
  for (const Input& input : inputs) {
    const Json* schema = schema_at(parts.schema, input.path);
    auto wrong =
        schema == nullptr || !input.value ? std::nullopt : problem_of(parts, *schema, *input.value);
    const bool fits = !wrong;
    auto made = fits ? with_input(parts.schema, parts.scope, applied.values, {input})
                     : Result<Json>(Error(Errc::invalid, ""));
    if (made) {
      applied.values = std::move(*made);
      continue;
    }
    Problem problem = wrong.value_or(Problem{"", schema == nullptr ? "unknown" : "no-match", ""});
    problem.field = to_string(input.path);
    applied.problems.push_back(std::move(problem));
  }
  std::map<std::string, std::pair<double, std::string>> lower;
  if (!changes.empty() && applied.problems.empty())
    for (const bool upper : {false, true})
      check_ranges(parts, parts.schema, {}, applied, lower, upper);
  return applied;
}

}  // namespace passerelle::spawners::chart
