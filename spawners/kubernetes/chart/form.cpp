#include "spawners/kubernetes/chart/form.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "spawners/kubernetes/chart/candidate.hpp"
#include "spawners/kubernetes/chart/input.hpp"
#include "spawners/kubernetes/chart/write.hpp"

namespace passerelle::spawners::chart {
namespace {

constexpr std::string_view kCover = "\u2022\u2022\u2022\u2022\u2022\u2022";  // ••••••
constexpr std::size_t kShortSecret = 6;

bool is_true(const Json* value) {
  return value != nullptr && *value == true;
}

const Json* onyxia(const Json& schema, std::string_view key) {
  const Json* own = member(schema, "x-onyxia");
  return own == nullptr ? nullptr : member(*own, key);
}

std::string text_in(const Json& schema, std::string_view key) {
  const Json* value = member(schema, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<double> number_in(const Json& schema, std::string_view key) {
  const Json* value = member(schema, key);
  return value != nullptr && value->is_number() ? std::optional(value->get<double>())
                                                : std::nullopt;
}

bool says(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&text](const char* word) { return text.find(word) != std::string::npos; });
}

/// What the rows of one part of the form share.
struct Place {
  const Json& schema;
  Path path;
  std::vector<std::pair<std::string, Json>> unless;
  bool hidden = false;
};

class Rows {
 public:
  Rows(const FormParts& parts, const Json& values, const ListsKept& kept)
      : parts_(parts), values_(values), kept_(kept) {}

  std::vector<Row> of(const Place& place) {
    rows_.clear();
    add(place);
    return std::move(rows_);
  }

  /// Nothing for a place that nobody sees, whatever else is chosen.
  std::optional<Place> shown(const Json& schema, const Place& above, Path path) const {
    if (!schema.is_object() || !type_of(schema) || schema.contains("const")) return std::nullopt;
    const Json* rule = member(schema, "hidden");
    if (is_true(onyxia(schema, "hidden")) || is_true(rule)) return std::nullopt;
    Place place{schema, std::move(path), above.unless, above.hidden};
    if (const auto watched = hiding_place(schema, place.path)) {
      place.unless.emplace_back(to_string(*watched), (*rule)["value"]);
      place.hidden = place.hidden || hidden(schema, values_, place.path);
    }
    return place;
  }

  void add(const Place& place) {
    const Type type = *type_of(place.schema);
    const Json* properties = member(place.schema, "properties");
    const Json* items = member(place.schema, "items");
    if (type == Type::object && properties != nullptr)
      add_members(place, *properties);
    else if (type == Type::list && items != nullptr && type_of(*items))
      add_list(place, *items);
    else
      add_field(place, type);
  }

  void add_heading(const Place& place) {
    Row row = row_for(place, Row::Kind::heading);
    rows_.push_back(std::move(row));
  }

 private:
  Row row_for(const Place& place, Row::Kind kind) const {
    Row row;
    row.kind = kind;
    row.name = to_string(place.path);
    if (const Json* title = member(place.schema, "title")) row.title = *title;
    if (const Json* about = member(place.schema, "description")) row.about = *about;
    if (row.title.is_null() && !place.path.empty() &&
        std::holds_alternative<std::string>(place.path.back()))
      row.title = std::get<std::string>(place.path.back());
    row.unless = place.unless;
    row.hidden = place.hidden;
    return row;
  }

  void add_members(const Place& place, const Json& properties) {
    for (const auto& [name, schema] : properties.items()) {
      Path path = place.path;
      path.emplace_back(name);
      const auto inner = shown(schema, place, std::move(path));
      if (!inner) continue;
      if (type_of(schema) == Type::object && schema.contains("properties")) add_heading(*inner);
      add(*inner);
    }
  }

  void add_list(const Place& place, const Json& items) {
    const Json* list = at(values_, place.path);
    Row row = row_for(place, Row::Kind::list);
    row.size = list != nullptr && list->is_array() ? list->size() : 0;
    const auto most = number_in(place.schema, "maxItems");
    row.grows = !most || static_cast<double>(row.size) < *most;
    const std::size_t size = row.size;
    const auto left = kept_.find(row.name);
    rows_.push_back(std::move(row));
    for (std::size_t index = 0; index < size; ++index) {
      Place item{items, place.path, place.unless, place.hidden};
      item.path.emplace_back(index);
      Row head = row_for(item, Row::Kind::item);
      head.from = std::to_string(index);
      if (left != kept_.end()) head.from = index < left->second.size() ? left->second[index] : "";
      if (left == kept_.end() && at(parts_.initial, item.path) == nullptr) head.from = "";
      rows_.push_back(std::move(head));
      add(item);
    }
  }

  void add_field(const Place& place, Type type) {
    Row row = row_for(place, Row::Kind::field);
    const Json* now = at(values_, place.path);
    const Json value = now == nullptr ? Json() : *now;
    row.locked = is_true(onyxia(place.schema, "readonly"));
    row.control = control_for(place.schema, type);
    const auto options = options_of(place.schema, parts_.scope);
    if (!options.empty() && row.control != Control::yaml) {
      row.control = Control::choice;
      for (const Json& one : options) row.options.push_back({text_of(one), same(one, value)});
    }
    row.value = row.control == Control::yaml ? to_yaml(value) : text_of(value);
    if (row.control == Control::password) {
      row.filled = !row.value.empty();
      row.value.clear();
    }
    row.ticked = value == true;
    if (row.control == Control::number) set_bounds(row, place.schema, type);
    row.range = text_in(place.schema, "sliderRangeId");
    row.semantic = text_in(place.schema, "sliderExtremitySemantic");
    row.upper = text_in(place.schema, "sliderExtremity") == "up";
    rows_.push_back(std::move(row));
  }

  static Control control_for(const Json& schema, Type type) {
    const std::string render = text_in(schema, "render");
    if (type == Type::list || type == Type::object) return Control::yaml;
    if (type == Type::boolean) return Control::tick;
    if (type == Type::integer || type == Type::number) return Control::number;
    if (is_secret(schema)) return Control::password;
    if (render == "textArea") return Control::lines;
    const bool unit = schema.contains("sliderUnit") && schema["sliderUnit"].is_string();
    return unit ? Control::number : Control::text;
  }

  static void set_bounds(Row& row, const Json& schema, Type type) {
    row.slider = text_in(schema, "render") == "slider" || schema.contains("sliderMin");
    row.unit = type == Type::text ? text_in(schema, "sliderUnit") : "";
    row.least = number_in(schema, "sliderMin");
    if (!row.least) row.least = number_in(schema, "minimum");
    row.most = number_in(schema, "sliderMax");
    if (!row.most) row.most = number_in(schema, "maximum");
    row.step = number_in(schema, "sliderStep");
    row.whole = type == Type::integer;
    if (!row.unit.empty() && row.value.ends_with(row.unit))
      row.value.resize(row.value.size() - row.unit.size());
  }

  static std::string text_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number()) return number_text(value);
    return value.is_null() ? "" : value.dump();
  }

  const FormParts& parts_;
  const Json& values_;
  const ListsKept& kept_;
  std::vector<Row> rows_;
};

/// The two ends of a range stand side by side, under the name of the lower one.
void join_ranges(std::vector<Row>& rows) {
  for (std::size_t low = 0; low < rows.size(); ++low) {
    if (rows[low].range.empty() || rows[low].upper) continue;
    const auto other = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
      return row.upper && row.range == rows[low].range;
    });
    if (other == rows.end()) continue;
    Row upper = std::move(*other);
    upper.title = rows[low].title;
    const auto index = static_cast<std::size_t>(other - rows.begin());
    rows.erase(other);
    if (index < low) --low;
    rows.insert(rows.begin() + static_cast<std::ptrdiff_t>(low) + 1, std::move(upper));
  }
}

/// Headings below which nothing is left.
void drop_empty_headings(std::vector<Row>& rows) {
  for (std::size_t index = rows.size(); index-- > 0;) {
    const bool last = index + 1 == rows.size() || rows[index + 1].kind == Row::Kind::heading;
    if (rows[index].kind == Row::Kind::heading && last)
      rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(index));
  }
}

Group group_of(std::vector<Row> rows) {
  Group group;
  group.rows = std::move(rows);
  join_ranges(group.rows);
  drop_empty_headings(group.rows);
  return group;
}

/// What the context calls a secret, as texts.
void secrets_in(const Json& node, bool secret, std::vector<std::string>& found) {
  if (node.is_string() && secret && node.get_ref<const std::string&>().size() >= kShortSecret)
    found.push_back(node.get<std::string>());
  if (node.is_array())
    for (const Json& one : node) secrets_in(one, secret, found);
  if (!node.is_object()) return;
  for (const auto& [name, value] : node.items()) {
    const bool named =
        says(text::ascii_lower(name), {"token", "password", "secret", "access_key", "apikey"});
    secrets_in(value, secret || (named && name != "decodedIdToken"), found);
  }
}

void cover_texts(Json& node, const std::vector<std::string>& secrets) {
  if (node.is_string()) {
    const auto& text = node.get_ref<const std::string&>();
    const bool has = std::any_of(secrets.begin(), secrets.end(), [&text](const std::string& one) {
      return text.find(one) != std::string::npos;
    });
    if (has) node = kCover;
  }
  if (node.is_structured())
    for (Json& one : node) cover_texts(one, secrets);
}

bool from_a_store(const Json& schema) {
  const Json* expression = onyxia(schema, "overwriteDefaultWith");
  return expression != nullptr && says(expression->dump(), {"s3.", "s3_array", "vault."});
}

void cover_places(const Json& schema, Json& node) {
  if ((is_secret(schema) || from_a_store(schema)) && node.is_string()) {
    if (!node.get_ref<const std::string&>().empty()) node = kCover;
    return;
  }
  if (is_secret(schema) && node.is_structured() && !node.empty()) {
    const Json* inside = member(schema, "properties");
    if (inside == nullptr && schema.contains("items") == false) {
      node = kCover;
      return;
    }
  }
  const Json* properties = member(schema, "properties");
  if (node.is_object() && properties != nullptr)
    for (auto& [name, value] : node.items())
      if (const Json* inner = member(*properties, name)) cover_places(*inner, value);
  const Json* items = member(schema, "items");
  if (node.is_array() && items != nullptr)
    for (Json& one : node) cover_places(*items, one);
}

}  // namespace

std::optional<Path> hiding_place(const Json& schema, const Path& path) {
  const Json* rule = member(schema, "hidden");
  if (rule == nullptr || !rule->is_object()) return std::nullopt;
  const std::string where = text_in(*rule, "path");
  if (where.empty() || member(*rule, "value") == nullptr) return std::nullopt;
  Path target;
  if (is_true(member(*rule, "isPathRelative")) && !path.empty())
    target.assign(path.begin(), path.end() - 1);
  for (const std::string_view name : text::split(where, '/'))
    target.emplace_back(std::string(name));
  return target;
}

std::vector<Group> form_groups(const FormParts& parts, const Json& values, const ListsKept& kept) {
  std::vector<Group> groups;
  std::vector<Row> loose;
  const Json* properties = member(parts.schema, "properties");
  if (properties == nullptr) return groups;
  Rows rows(parts, values, kept);
  const Place top{parts.schema, {}, {}, false};
  for (const auto& [name, schema] : properties->items()) {
    const auto place = rows.shown(schema, top, {name});
    if (!place) continue;
    std::vector<Row> found = rows.of(*place);
    if (type_of(schema) != Type::object || !schema.contains("properties")) {
      loose.insert(loose.end(), std::make_move_iterator(found.begin()),
                   std::make_move_iterator(found.end()));
      continue;
    }
    Group group = group_of(std::move(found));
    group.name = to_string(place->path);
    group.title = schema.contains("title") ? schema["title"] : Json(name);
    if (schema.contains("description")) group.about = schema["description"];
    if (!group.rows.empty()) groups.push_back(std::move(group));
  }
  if (!loose.empty()) groups.push_back(group_of(std::move(loose)));
  return groups;
}

bool is_secret(const Json& schema) {
  if (text_in(schema, "render") == "password") return true;
  const Json* expression = onyxia(schema, "overwriteDefaultWith");
  return expression != nullptr &&
         says(text::ascii_lower(expression->dump()),
              {"password", "token}", "token\"", "secret", "_token", "access_key", "apikey"});
}

Json covered(const FormParts& parts, Json values) {
  cover_places(parts.schema, values);
  std::vector<std::string> secrets;
  secrets_in(parts.scope.names, false, secrets);
  cover_texts(values, secrets);
  return values;
}

}  // namespace passerelle::spawners::chart
