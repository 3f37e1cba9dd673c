// Whether a value may stand in a place of a schema, by the rules of Onyxia's form: the sliders'
// ends and the options of a list count too, and a value of another type may be close enough.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spawners/kubernetes/chart/expression.hpp"
#include "spawners/kubernetes/chart/json.hpp"

namespace passerelle::spawners::chart {

enum class Type { object, list, text, boolean, integer, number };

/// What the schema says, or its `const` is; nothing for a place that a form cannot show (no type,
/// `anyOf`...). Of several types the first that is not "null".
std::optional<Type> type_of(const Json& schema);

struct Judgement {
  bool valid = false;
  std::optional<Json> near;  ///< Not valid, but this is, and means the same: "8" for 8
};

/// `schema` has a type.
Judgement judge(const Json& schema, const Scope& scope, const Json& value);

/// What can be chosen: overwriteListEnumWith, listEnum or enum, the first that has something valid.
/// Empty: anything of the type.
std::vector<Json> options_of(const Json& schema, const Scope& scope);

/// JavaScript's regular expressions, as far as charts use them. A pattern that cannot be read
/// matches everything (Helm has the last word); one that takes too long matches nothing.
bool matches(const std::string& pattern, const std::string& text);

}  // namespace passerelle::spawners::chart
