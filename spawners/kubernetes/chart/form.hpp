// A chart's form as rows, in the order in which a page shows them; what a browser sends back, as
// changes of the initial values; and what is wrong with them. Knows no HTML and no languages.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/form.hpp"
#include "spawners/kubernetes/chart/expression.hpp"
#include "spawners/kubernetes/chart/input.hpp"
#include "spawners/kubernetes/chart/path.hpp"

namespace passerelle::spawners::chart {

/// What a form is made of; all outlive their users.
struct FormParts {
  const Json& schema;   ///< Resolved, with the region's sliders
  const Json& initial;  ///< Its initial values
  const Scope& scope;
};

enum class Control { text, lines, yaml, number, tick, choice, password };

struct Option {
  std::string value;
  bool chosen = false;
};

struct Row {
  enum class Kind { heading, field, list, item };
  Kind kind = Kind::field;
  std::string name;  ///< to_string(path)
  Json title;        ///< A text, or texts by language; null: none
  Json about;
  /// Not shown while one of these places has that value.
  std::vector<std::pair<std::string, Json>> unless;
  bool hidden = false;  ///< ... which is so now.

  // field
  Control control = Control::text;
  std::string value;     ///< As it stands in the field; of a secret: empty.
  bool filled = false;   ///< A secret that has a value.
  bool ticked = false;   ///< tick
  bool locked = false;   ///< Shown, cannot be changed.
  bool slider = false;   ///< number
  bool whole = false;    ///< number
  std::string unit;      ///< number: stands behind it in the value
  std::string semantic;  ///< One end of a range: "guaranteed"
  std::string range;     ///< Two fields with the same one belong together.
  bool upper = false;    ///< ... and this is its upper end.
  std::optional<double> least;
  std::optional<double> most;
  std::optional<double> step;
  std::vector<Option> options;  ///< choice

  // list, item
  std::size_t size = 0;  ///< list: items
  bool grows = false;    ///< list: one more is possible.
  std::string from;      ///< item: its index in the initial list; empty: a new one.
};

struct Group {
  Json title;  ///< Null: the chart's own values that stand in no group
  Json about;
  std::string name;
  std::vector<Row> rows;
};

/// The form with these values in it: `values` holds the places of the schema, as the initial ones
/// do. `kept`: of each list that has changed, which initial items are left ("": a new one).
using ListsKept = std::map<std::string, std::vector<std::string>>;
std::vector<Group> form_groups(const FormParts& parts, const Json& values, const ListsKept& kept);

using Changes = std::map<std::string, std::string>;  ///< Places (to_string) and texts.

/// Removes that item of the initial list: "environment[1]-". Removals come first, the highest
/// first; other indices count what is left.
std::string removal_of(const Path& item);

/// What a page sent, by the fields' names, in addition "LIST#" (how many items) and "ITEM#" (which
/// initial one).
struct Sent {
  const std::map<std::string, std::string>& fields;
  std::string add;     ///< A list that gets one more item
  std::string remove;  ///< An item that goes
};
Changes changes_of(const FormParts& parts, const Sent& sent);
/// Of each list from which an item was removed.
ListsKept kept_of(const FormParts& parts, const Changes& changes);

/// As with_input, but what does not fit is told field by field, and the rest is done.
struct Applied {
  Json values;
  std::vector<config::ValueProblem> problems;  ///< field: the place; reason: "form.<reason>"
};
Applied apply_changes(const FormParts& parts, const Changes& changes);

/// The changes in the order in which they are made. Errc::invalid: a place that cannot be read.
Result<std::vector<Input>> inputs_of(const FormParts& parts, const Changes& changes);

/// The place that a `hidden` rule looks at.
std::optional<Path> hiding_place(const Json& schema, const Path& path);

/// A person must not read it on a page: a password, a token.
bool is_secret(const Json& schema);
/// `values` with every secret in them covered: by what the schema says, and by where the context
/// has it from.
Json covered(const FormParts& parts, Json values);

}  // namespace passerelle::spawners::chart
