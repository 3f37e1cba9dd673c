// The expressions of `x-onyxia`: what the context knows of a person, put into a chart's values.
// "{{user.name}}" is the value with its type; a text with such parts is a text; a text without is
// itself the name. Nothing is computed: an expression can only read the context.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "spawners/kubernetes/chart/json.hpp"

namespace passerelle::spawners::chart {

/// Names and their values; what `names` lacks, `outer` may have. Owns nothing.
struct Scope {
  const Json& names;
  const Scope* outer = nullptr;

  const Json* find(std::string_view name) const;
};

/// Nothing when a name is unknown, or when something that is no text, number or boolean stands
/// inside a text. Lists and objects are evaluated member by member; in them a text without "{{" is
/// just a text.
std::optional<Json> evaluate(const Json& expression, const Scope& scope);

/// As JavaScript writes a number: 1, 0.5, 1e+21.
std::string number_text(const Json& number);

}  // namespace passerelle::spawners::chart
